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
	"slices"
	"syscall"
	"time"
)

//go:embed page
var pageFiles embed.FS

// show runs three regions and serves the page until ctx ends.
func show(ctx context.Context, dir, listen string) error {
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
	fmt.Printf("The shop is open: http://%s\n", l.Addr())
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
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
	mux.Handle("POST /topology/{do}/{a}", get(s.setRegion))
	mux.Handle("POST /topology/{do}/{a}/{b}", get(s.setLink))
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

// setLink cuts or heals the link between two regions, both ways.
func (s *supervisor) setLink(r *http.Request) (any, error) {
	a, b, cut := r.PathValue("a"), r.PathValue("b"), r.PathValue("do") == "cut"
	there, back := s.links[[2]string{a, b}], s.links[[2]string{b, a}]
	if there == nil || back == nil {
		return nil, badRequest("There is no link between %q and %q.", a, b)
	}
	there.set(cut)
	back.set(cut)
	return nil, nil
}

// setRegion kills or starts a region.
func (s *supervisor) setRegion(r *http.Request) (any, error) {
	name := r.PathValue("a")
	p := s.regions[name]
	switch {
	case p == nil:
		return nil, badRequest("There is no region %q.", name)
	case r.PathValue("do") == "kill":
		s.stop(name, syscall.SIGKILL)
	case !p.running():
		return nil, s.start(context.WithoutCancel(r.Context()), name)
	}
	return nil, nil
}
