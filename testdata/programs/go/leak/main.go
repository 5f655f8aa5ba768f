// The classic leak of a Go service, with known amounts: a global map that only
// grows, goroutines that wait on a channel nobody closes, and beside them much
// that is allocated and dropped. Writes a heap profile and a goroutine profile
// at each of -points points in time, as net/http/pprof would hand them out:
//
//	DIR/heap.N.{pb.gz,txt}  DIR/goroutine.N.{pb.gz,txt} (the texts: debug=1 and 2)
//
// and prints what it holds at each point, one line a call site.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"
)

type settings struct {
	directory  string
	points     int
	entries    int
	size       int
	churn      int
	goroutines int
	pause      time.Duration
}

var (
	cache  = map[int][]byte{}
	table  [][]byte
	never  = make(chan struct{})
	sink   []byte
	holder = 4096 // bytes that each waiting goroutine keeps
)

// fill is the leak: nothing ever leaves the cache.
//
//go:noinline
func fill(entries, size int) {
	for i := 0; i < entries; i++ {
		value := make([]byte, size)
		cache[len(cache)] = value // the map's own growth is this line's
	}
}

// churn allocates far more than fill does, and keeps nothing of it.
//
//go:noinline
func churn(blocks int) {
	for i := 0; i < blocks; i++ {
		sink = make([]byte, 64<<10)
	}
	sink = nil
}

// warm is what a service loads once: large, and no leak.
//
//go:noinline
func warm(blocks int) {
	for i := 0; i < blocks; i++ {
		table = append(table, make([]byte, 64<<10))
	}
}

//go:noinline
func wait(buffer []byte) {
	<-never
	sink = buffer
}

// spawn leaks goroutines, and with each the buffer that it holds.
//
//go:noinline
func spawn(count int) {
	for i := 0; i < count; i++ {
		buffer := make([]byte, holder)
		go wait(buffer)
	}
}

func write(path, profile string, debug int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := pprof.Lookup(profile).WriteTo(file, debug); err != nil {
		file.Close()
		return err
	}
	return file.Close()
}

func snapshot(s settings, point int) error {
	// The profile shows the heap as of the last collection but one cycle.
	runtime.GC()
	runtime.GC()
	name := func(kind, suffix string) string {
		return filepath.Join(s.directory, fmt.Sprintf("%s.%d.%s", kind, point, suffix))
	}
	if err := write(name("heap", "pb.gz"), "heap", 0); err != nil {
		return err
	}
	if err := write(name("heap", "txt"), "heap", 1); err != nil {
		return err
	}
	if err := write(name("goroutine", "pb.gz"), "goroutine", 0); err != nil {
		return err
	}
	return write(name("goroutine", "txt"), "goroutine", 2)
}

func run(s settings) error {
	warm(256)
	for point := 1; point <= s.points; point++ {
		fill(s.entries, s.size)
		spawn(s.goroutines)
		churn(s.churn)
		if err := snapshot(s, point); err != nil {
			return err
		}
		fmt.Printf("point %d main.fill %d bytes %d objects\n", point, point*s.entries*s.size,
			point*s.entries)
		fmt.Printf("point %d main.spawn %d bytes %d objects\n", point,
			point*s.goroutines*holder, point*s.goroutines)
		fmt.Printf("point %d main.warm %d bytes %d objects\n", point, 256*64<<10, 256)
		time.Sleep(s.pause)
	}
	return nil
}

func main() {
	var s settings
	rate := flag.Int("rate", 512<<10, "runtime.MemProfileRate")
	flag.StringVar(&s.directory, "dir", ".", "where the profiles go")
	flag.IntVar(&s.points, "points", 5, "how many profiles of each kind")
	flag.IntVar(&s.entries, "entries", 10000, "what fill adds to the cache at each point")
	flag.IntVar(&s.size, "size", 1024, "bytes of an entry")
	flag.IntVar(&s.churn, "churn", 2000, "blocks of 64 KiB that churn drops at each point")
	flag.IntVar(&s.goroutines, "goroutines", 200, "that spawn leaks at each point")
	flag.DurationVar(&s.pause, "pause", 100*time.Millisecond, "after each point")
	flag.Parse()
	runtime.MemProfileRate = *rate
	if err := run(s); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
