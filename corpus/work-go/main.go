// Counts the words of standard input: goroutines, channels, a mutex, timers, maps and a garbage collection.
package main

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"sync"
	"time"
)

func main() {
	words := make(map[string]int)
	var lock sync.Mutex
	lines := make(chan string, 4)
	done := make(chan int)
	for worker := 0; worker < 4; worker++ {
		go func() {
			count := 0
			for line := range lines {
				for _, word := range strings.Fields(line) {
					lock.Lock()
					words[word]++
					lock.Unlock()
					count++
				}
			}
			done <- count
		}()
	}
	input := bufio.NewScanner(os.Stdin)
	for input.Scan() {
		lines <- input.Text()
	}
	close(lines)
	total := 0
	for worker := 0; worker < 4; worker++ {
		total += <-done
	}
	ticks := time.NewTicker(2 * time.Millisecond)
	for i := 0; i < 3; i++ {
		<-ticks.C
	}
	ticks.Stop()
	select {
	case <-time.After(5 * time.Millisecond):
	case <-done:
	}
	runtime.GC()
	keys := make([]string, 0, len(words))
	for word := range words {
		keys = append(keys, word)
	}
	sort.Strings(keys)
	fmt.Println(total, keys)
}
