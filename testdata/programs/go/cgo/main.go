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
	"os"
	"path/filepath"
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

// waitForSnapshots returns when a recorder has taken two that it can have begun only
// now, however busy the machine is: what it holds at the end is in the last one.
func waitForSnapshots() {
	directory := os.Getenv("HEAPDIFF_DIR")
	interval := os.Getenv("HEAPDIFF_INTERVAL_MS")
	if directory == "" || interval == "" || interval == "0" {
		return
	}
	count := func() int {
		files, _ := filepath.Glob(filepath.Join(directory, "*.heapdiff"))
		return len(files)
	}
	for before := count(); count() < before+2; {
		time.Sleep(10 * time.Millisecond)
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
	waitForSnapshots()
	fmt.Printf("main.leakNames %d bytes %d objects\n", *steps**names*nameSize, *steps**names)
	fmt.Printf("main.leakBuffers %d bytes %d objects\n", *steps**buffers*bufferSize,
		*steps**buffers)
}
