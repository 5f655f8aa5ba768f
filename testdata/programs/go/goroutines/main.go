// Goroutines that wait, in all the ways there are, with known numbers; those of
// consume are a leak. Writes its goroutine profile at two points in time, as
// net/http/pprof would hand it out:
//
//	DIR/N.pb.gz  DIR/N.debug1  DIR/N.debug2  DIR/threads.N.pb.gz  DIR/threads.N.debug1
//
// and prints what there is at each point, one line a function.
package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"sync"
	"time"
)

var (
	never  = make(chan int)
	other  = make(chan int)
	mutex  sync.Mutex
	counts = map[string]int{}
)

//go:noinline
func consume() {
	<-never // nobody ever sends
}

//go:noinline
func choose() {
	select {
	case <-never:
	case <-other:
	}
}

//go:noinline
func lock() {
	mutex.Lock()
}

//go:noinline
func sleep() {
	time.Sleep(time.Hour)
}

//go:noinline
func accept(listener net.Listener) {
	listener.Accept()
}

//go:noinline
func deep(n int) int {
	if n == 0 {
		return <-never
	}
	return deep(n-1) + 1
}

//go:noinline
func pinned() {
	runtime.LockOSThread()
	<-never
}

//go:noinline
func labelled(ctx context.Context) {
	<-never
}

//go:noinline
func spawn(name string, n int, run func()) {
	counts[name] += n
	for i := 0; i < n; i++ {
		go run()
	}
}

//go:noinline
func spawnMore(n int) {
	counts["main.consume"] += n
	for i := 0; i < n; i++ {
		go consume()
	}
}

func write(name, profile string, debug int) {
	file, err := os.Create(name)
	if err == nil {
		err = pprof.Lookup(profile).WriteTo(file, debug)
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func snapshot(directory string, point int) {
	waitUntilAllWait()
	at := func(format string) string { return filepath.Join(directory, fmt.Sprintf(format, point)) }
	write(at("%d.pb.gz"), "goroutine", 0)
	write(at("%d.debug1"), "goroutine", 1)
	write(at("%d.debug2"), "goroutine", 2)
	write(at("threads.%d.pb.gz"), "threadcreate", 0)
	write(at("threads.%d.debug1"), "threadcreate", 1)
	for name, n := range counts {
		fmt.Printf("%d %s %d\n", point, name, n)
	}
}

// snapshotFrom takes one with so many frames above it that a dump leaves some out.
func snapshotFrom(depth int, directory string, point int) int {
	if depth == 0 {
		snapshot(directory, point)
		return 0
	}
	return snapshotFrom(depth-1, directory, point) + 1
}

func main() {
	directory := flag.String("dir", ".", "where the profiles go")
	pause := flag.Duration("pause", 0, "between the two points")
	flag.Parse()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	mutex.Lock()
	spawn("main.consume", 20, consume)
	spawn("main.choose", 2, choose)
	spawn("main.lock", 3, lock)
	spawn("main.sleep", 4, sleep)
	spawn("main.accept", 1, func() { accept(listener) })
	spawn("main.deep", 1, func() { deep(150) })
	spawn("main.pinned", 1, pinned)
	spawn("main.labelled", 5, func() {
		pprof.Do(context.Background(), pprof.Labels("job", "import", "tenant", "a \"b\""), labelled)
	})
	snapshot(*directory, 1)
	time.Sleep(*pause)
	spawnMore(100)
	spawn("main.lock", 7, lock)
	snapshotFrom(150, *directory, 2)
}

// waitUntilAllWait returns when no goroutine but this one runs, or is about to.
func waitUntilAllWait() {
	buffer := make([]byte, 4<<20)
	for begun := time.Now(); time.Since(begun) < time.Minute; time.Sleep(10 * time.Millisecond) {
		dump, running := "\n\n"+string(buffer[:runtime.Stack(buffer, true)]), 0
		for i := 2; i+4 <= len(dump); i++ {
			// The first line of each is "goroutine 7 [runnable]:" or the like.
			if dump[i-2:i] != "\n\n" {
				continue
			}
			for i+4 < len(dump) && dump[i] != '[' {
				i++
			}
			if dump[i:i+4] == "[run" {
				running++
			}
		}
		if running == 1 {
			return
		}
	}
}
