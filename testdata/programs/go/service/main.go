// A service with net/http/pprof that leaks in four ways, all the time: entries of a map,
// goroutines, C memory (which its heap profile does not show) and a slice. Prints the
// address it listens on.
package main

/*
#include <stdlib.h>
*/
import "C"

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
	"time"
)

// version tells builds apart: -ldflags "-X main.version=2".
var version = "1"

var (
	sessions = map[string][]byte{}
	history  [][]byte
	never    = make(chan int)
	scratch  []byte
)

//go:noinline
func leakSession(request int) {
	sessions[strconv.Itoa(request)] = make([]byte, 4096)
}

//go:noinline
func leakHistory() {
	history = append(history, make([]byte, 2048))
}

//go:noinline
func leakGoroutine() {
	go wait()
}

func wait() {
	<-never
}

//go:noinline
func leakC() {
	C.malloc(1024)
}

//go:noinline
func work() {
	scratch = make([]byte, 8192)
}

func main() {
	address := flag.String("address", "127.0.0.1:0", "to listen on")
	rate := flag.Int("rate", 1024, "mean bytes between samples")
	pause := flag.Duration("pause", 2*time.Millisecond, "between requests")
	flag.Parse()
	runtime.MemProfileRate = *rate
	listener, err := net.Listen("tcp", *address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(version, listener.Addr())
	go http.Serve(listener, nil)
	for request := 0; ; request++ {
		leakSession(request)
		leakHistory()
		if request%10 == 0 {
			leakGoroutine()
		}
		leakC()
		work()
		time.Sleep(*pause)
	}
}
