package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
)

//go:embed page
var pageFiles embed.FS

// show runs three regions and serves the page until ctx ends.
func show(ctx context.Context, dir, listen string) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	s, err := newSupervisor(dir, []string{"ap", "eu", "us"}, "-explain", "-sync", "1s")
	if err != nil {
		return err
	}
	defer s.stopAll()
	if err := s.startAll(ctx); err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	srv := &http.Server{Handler: s.page(), ReadHeaderTimeout: 5 * time.Second}
	context.AfterFunc(ctx, func() { _ = srv.Close() })
	go func() {
		if len(files) == 0 {
			s.furnish("http://" + l.Addr().String())
		}
		fmt.Printf("The shop is open: http://%s\n", l.Addr())
	}()
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// furnish puts something into the shop that is served at an address.
func (s *supervisor) furnish(at string) {
	for _, line := range []string{
		`POST /api/eu/stock/lamp/deliver {"n": 12}`,
		`PATCH /api/eu/profile/ann {"name": "Ann", "city": "Lisbon", "tier": "free", "addPoints": 100}`,
		`POST /api/us/cart/ann/tea {"n": 2}`,
		`PUT /api/ap/flags/site/banner {"value": "on"}`,
	} {
		part := strings.SplitN(line, " ", 3)
		if q, err := http.NewRequest(part[0], at+part[1], strings.NewReader(part[2])); err == nil {
			if a, err := http.DefaultClient.Do(q); err == nil {
				_ = a.Body.Close()
			}
		}
	}
}

// page serves the page, the API of every region below /api/, and what the page
// does to regions and links.
func (s *supervisor) page() http.Handler {
	mux := http.NewServeMux()
	files, err := fs.Sub(pageFiles, "page")
	if err != nil {
		panic(err) // it is embedded
	}
	mux.Handle("/", http.FileServerFS(files))
	for name, p := range s.regions {
		to := &url.URL{Scheme: "http", Host: p.http}
		mux.Handle("/api/"+name+"/", http.StripPrefix("/api/"+name, httputil.NewSingleHostReverseProxy(to)))
	}
	mux.Handle("GET /topology", get(s.getTopology))
	mux.Handle("POST /topology/link", post(s.setLink))
	mux.Handle("POST /topology/region", post(s.setRegion))
	return mux
}

// A topology says which regions run and which links are cut.
type topology struct {
	Regions map[string]bool `json:"regions"`
	Cut     []string        `json:"cut"` // as in "eu us": eu does not hear us
	Refunds []string        `json:"refunds"`
}

func (s *supervisor) getTopology(*http.Request) (any, error) {
	t := topology{Regions: map[string]bool{}, Cut: []string{}}
	for name, p := range s.regions {
		t.Regions[name] = p.running()
	}
	for way, l := range s.links {
		if l.isCut() {
			t.Cut = append(t.Cut, way[0]+" "+way[1])
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t.Refunds = slices.Sorted(maps.Keys(s.refunds))
	return t, nil
}

// A linkOrder cuts or heals the link between two regions, both ways.
type linkOrder struct {
	A   string `json:"a"`
	B   string `json:"b"`
	Cut bool   `json:"cut"`
}

func (s *supervisor) setLink(_ context.Context, q linkOrder) error {
	there, back := s.links[[2]string{q.A, q.B}], s.links[[2]string{q.B, q.A}]
	if there == nil || back == nil {
		return badRequest("There is no link between %q and %q.", q.A, q.B)
	}
	there.set(q.Cut)
	back.set(q.Cut)
	return nil
}

// A regionOrder kills, stops or starts a region.
type regionOrder struct {
	Name string `json:"name"`
	Do   string `json:"do"`
}

func (s *supervisor) setRegion(ctx context.Context, q regionOrder) error {
	p := s.regions[q.Name]
	switch {
	case p == nil:
		return badRequest("There is no region %q.", q.Name)
	case q.Do == "kill":
		s.stop(q.Name, syscall.SIGKILL)
	case q.Do == "stop":
		s.stop(q.Name, os.Interrupt)
	case q.Do == "start" && !p.running():
		return s.start(context.WithoutCancel(ctx), q.Name)
	}
	return nil
}
