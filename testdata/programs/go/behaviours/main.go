// Ways in which the memory of a call site goes up and down, for whoever fetches
// /debug/pprof/heap. Functions that leak are named leak*. Prints its address. Its time is its
// own: it goes on by as many milliseconds as /go-on?ms=N says, and that answers when it has.
package main

import (
	"flag"
	"fmt"
	"math"
	"net"
	"net/http"
	_ "net/http/pprof"
	"os"
	"runtime"
	"strconv"
)

const block = 1024

var (
	leaked   = map[int][]byte{}
	bursts   [][]byte
	waiting  = make(chan struct{})
	cache    [][]byte
	lru      [2000][]byte
	lruNext  int
	batch    [][]byte
	sink     []byte
	oneOff   [][]byte
	load     [][]byte
	shrinks  [][]byte
	leftOver []byte
)

//go:noinline
func leakInMap(ms, length int) {
	leaked[len(leaked)] = make([]byte, block)
}

//go:noinline
func leakInBursts(ms, length int) {
	for i := 0; ms%550 == 400 && i < 1500; i++ {
		bursts = append(bursts, nil)
		bursts[len(bursts)-1] = make([]byte, block)
	}
}

// leakByGoroutine keeps a block for each goroutine that waits for ever.
//
//go:noinline
func leakByGoroutine(ms, length int) {
	if ms%4 == 0 {
		buffer := make([]byte, block)
		go func() {
			<-waiting
			leftOver = buffer
		}()
	}
}

//go:noinline
func warmCache(ms, length int) {
	wanted := int(4000 * (1 - math.Exp(-float64(ms)/(.08*float64(length)))))
	for len(cache) < wanted {
		cache = append(cache, nil)
		cache[len(cache)-1] = make([]byte, block)
	}
}

//go:noinline
func replaceLRU(ms, length int) {
	for i := 0; i < 8; i++ {
		lru[lruNext] = make([]byte, block)
		lruNext = (lruNext + 1) % len(lru)
	}
}

//go:noinline
func collectBatch(ms, length int) {
	if ms%470 == 469 {
		batch = nil
	}
	for i := 0; i < 4; i++ {
		batch = append(batch, make([]byte, block))
	}
}

//go:noinline
func churn(ms, length int) {
	for i := 0; i < 20; i++ {
		sink = make([]byte, block)
	}
}

//go:noinline
func growOnce(ms, length int) {
	for i := 0; ms == length*4/10 && i < 5000; i++ {
		oneOff = append(oneOff, make([]byte, block))
	}
}

//go:noinline
func followLoad(ms, length int) {
	wanted := int(2000 * (1 + .7*math.Sin(float64(ms)*2*math.Pi/(.37*float64(length)))))
	for len(load) < wanted {
		load = append(load, make([]byte, block))
	}
	for i := wanted; i < len(load); i++ {
		load[i] = nil
	}
	load = load[:wanted]
}

//go:noinline
func shrink(ms, length int) {
	for i := 0; ms == 0 && i < 6000; i++ {
		shrinks = append(shrinks, make([]byte, block))
	}
	left := 6000 - 4000*ms/length
	for i := left; i < len(shrinks); i++ {
		shrinks[i] = nil
	}
	shrinks = shrinks[:left]
}

func main() {
	length := flag.Int("ms", 5000, "how long")
	flag.Parse()
	runtime.MemProfileRate = 4096
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	asked, done := make(chan int), make(chan bool)
	http.HandleFunc("/go-on", func(w http.ResponseWriter, r *http.Request) {
		more, err := strconv.Atoi(r.FormValue("ms"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		asked <- more
		<-done
	})
	fmt.Println(listener.Addr())
	go http.Serve(listener, nil)
	ms := 0
	for more := range asked {
		for end := ms + more; ms < end; ms++ {
			for _, behave := range []func(int, int){leakInMap, leakInBursts, leakByGoroutine,
				warmCache, replaceLRU, collectBatch, churn, growOnce, followLoad, shrink} {
				behave(ms, *length)
			}
		}
		done <- true
	}
}
