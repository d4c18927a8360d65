module work-go

go 1.21
