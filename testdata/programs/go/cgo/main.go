// C memory that Go code leaks through cgo: Go's own heap profile does not show
// it, a recorder of malloc does. Prints what each of the two functions leaked.
//
// A C call runs on a stack of its own, where C's unwinding ends: a recorder has to
// find the way back to Go's stack to charge the memory to these lines.
package main

/*
#include <stdlib.h>
*/
import "C"

import (
	"flag"
	"fmt"
	"time"
	"unsafe"
)

const (
	nameSize   = 96
	bufferSize = 4000
	borrowSize = 2048
)

var borrowed unsafe.Pointer

//go:noinline
func leakNames(count int) {
	for i := 0; i < count; i++ {
		C.malloc(nameSize)
	}
}

//go:noinline
func leakBuffers(count int) {
	for i := 0; i < count; i++ {
		C.malloc(bufferSize)
	}
}

// borrow gives back all that it takes.
//
//go:noinline
func borrow(count int) {
	for i := 0; i < count; i++ {
		borrowed = C.malloc(borrowSize)
		C.free(borrowed)
	}
}

func main() {
	steps := flag.Int("steps", 5, "rounds of leaking")
	names := flag.Int("names", 2000, "that leakNames leaks in each")
	buffers := flag.Int("buffers", 500, "that leakBuffers leaks in each")
	pause := flag.Duration("pause", 100*time.Millisecond, "after each")
	flag.Parse()
	for i := 0; i < *steps; i++ {
		leakNames(*names)
		leakBuffers(*buffers)
		borrow(*names)
		time.Sleep(*pause)
	}
	fmt.Printf("main.leakNames %d bytes %d objects\n", *steps**names*nameSize, *steps**names)
	fmt.Printf("main.leakBuffers %d bytes %d objects\n", *steps**buffers*bufferSize,
		*steps**buffers)
}
