// The least Go program that prints: what the runtime alone asks of a kernel.
package main

import "fmt"

func main() {
	fmt.Println("hello from Go")
}
