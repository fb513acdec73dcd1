package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"syscall"
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
	if err := s.furnish(ctx); err != nil {
		return err
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	fmt.Printf("The shop is open: http://%s\n", l.Addr())
	srv := &http.Server{Handler: s.page(), ReadHeaderTimeout: timeout}
	go func() {
		<-ctx.Done()
		_ = srv.Close()
	}()
	if err := srv.Serve(l); ctx.Err() == nil {
		return err
	}
	return nil
}

// furnish puts something into the shop, if it is empty.
func (s *supervisor) furnish(ctx context.Context) error {
	var v stockView
	if err := s.call(ctx, "eu", http.MethodGet, "/stock/lamp", nil, &v); err != nil || v.Left > 0 {
		return err
	}
	return errors.Join(
		s.call(ctx, "eu", http.MethodPost, "/stock/lamp/deliver", amount{12}, nil),
		s.call(ctx, "eu", http.MethodPatch, "/profile/ann", map[string]any{"name": "Ann", "city": "Lisbon", "tier": "free", "addPoints": 100}, nil),
		s.call(ctx, "us", http.MethodPost, "/cart/ann/tea", amount{2}, nil),
		s.call(ctx, "ap", http.MethodPut, "/flags/site/banner", map[string]string{"value": "on"}, nil),
	)
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
	mux.Handle("GET /topology", handler(s.getTopology))
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

func (s *supervisor) getTopology(w http.ResponseWriter, _ *http.Request) error {
	t := topology{Regions: map[string]bool{}, Cut: []string{}}
	for name := range s.regions {
		t.Regions[name] = s.running(name)
	}
	for from, links := range s.links {
		for to, l := range links {
			if l.isCut() {
				t.Cut = append(t.Cut, from+" "+to)
			}
		}
	}
	s.mu.Lock()
	t.Refunds = slices.Sorted(maps.Keys(s.refunds))
	s.mu.Unlock()
	reply(w, http.StatusOK, t)
	return nil
}

// A linkOrder cuts or heals the link between two regions, both ways.
type linkOrder struct {
	A   string `json:"a"`
	B   string `json:"b"`
	Cut bool   `json:"cut"`
}

func (s *supervisor) setLink(_ context.Context, q linkOrder) error {
	there, back := s.links[q.A][q.B], s.links[q.B][q.A]
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
	switch {
	case s.regions[q.Name] == nil:
		return badRequest("There is no region %q.", q.Name)
	case q.Do == "kill":
		s.stop(q.Name, syscall.SIGKILL)
	case q.Do == "stop":
		s.stop(q.Name, os.Interrupt)
	case q.Do == "start" && !s.running(q.Name):
		return s.start(context.WithoutCancel(ctx), q.Name)
	}
	return nil
}
