// Ways in which the goroutines that wait on a line become more and fewer. Functions
// that leak are named leak*. At each of a number of points in time it writes its
// goroutine profile in all three forms, as net/http/pprof would hand them out:
//
//	DIR/N.pb.gz  DIR/N.debug1  DIR/N.debug2
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

type gate chan struct{}

// Nobody is at their other ends.
var nobodySends, nobodyReceives = make(gate), make(gate)

//go:noinline
func leakOnReceive(gate) { <-nobodySends }

//go:noinline
func leakOnSend(gate) { nobodyReceives <- struct{}{} }

//go:noinline
func leakOnSelect(gate) {
	select {
	case <-nobodySends:
	case <-time.After(24 * time.Hour):
	}
}

// Workers that get a job between any two points.
//
//go:noinline
func work(jobs gate) {
	for {
		<-jobs
	}
}

//go:noinline
func park(in gate) { <-in }

//go:noinline
func growOnce(in gate) { <-in }

//go:noinline
func warmUp(in gate) { <-in }

//go:noinline
func collect(in gate) { <-in }

//go:noinline
func handle(in gate) { <-in }

// group is how many wait in a function; they leave by its gate, the oldest first.
type group struct {
	run   func(gate)
	in    gate
	count int
}

func (g *group) set(count int) {
	for ; g.count < count; g.count++ {
		go g.run(g.in)
	}
	for ; g.count > count; g.count-- {
		g.in <- struct{}{}
	}
}

func snapshot(directory string, point int) {
	for _, form := range []struct {
		name  string
		debug int
	}{{"pb.gz", 0}, {"debug1", 1}, {"debug2", 2}} {
		file, err := os.Create(filepath.Join(directory, fmt.Sprintf("%d.%s", point, form.name)))
		if err == nil {
			err = pprof.Lookup("goroutine").WriteTo(file, form.debug)
		}
		if err == nil {
			err = file.Close()
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func main() {
	directory := flag.String("dir", ".", "where the profiles go")
	points := flag.Int("points", 12, "how many there are")
	every := flag.Duration("every", 100*time.Millisecond, "time between them")
	flag.Parse()
	wait := func(run func(gate)) *group { return &group{run: run, in: make(gate)} }
	receive, send, selects := wait(leakOnReceive), wait(leakOnSend), wait(leakOnSelect)
	workers, parked, once := wait(work), wait(park), wait(growOnce)
	warm, batch, requests := wait(warmUp), wait(collect), wait(handle)
	handled := []int{19, 24, 16, 22, 27, 18, 21, 15, 25, 20, 17, 23}
	for i := 0; i < *points; i++ {
		receive.set(5 + 10*i)
		send.set(i)
		selects.set(2 * i * i / 3)
		workers.set(16)
		for n := 0; n < 16; n++ {
			workers.in <- struct{}{}
		}
		parked.set(8)
		if i >= *points*4/10 {
			once.set(30)
		}
		if warm.set(12 * (i + 1)); warm.count > 40 {
			warm.set(40)
		}
		batch.set(3 + 7*(i%4))
		requests.set(0)
		requests.set(handled[i%len(handled)])
		time.Sleep(*every)
		// It is a collection that notes since when a goroutine waits.
		runtime.GC()
		snapshot(*directory, i+1)
	}
}
