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
		s.call(ctx, "eu", http.MethodPost, "/stock/lamp/deliver", change{12}, nil),
		s.call(ctx, "eu", http.MethodPatch, "/profile/ann", map[string]any{"name": "Ann", "city": "Lisbon", "tier": "free", "addPoints": 100}, nil),
		s.call(ctx, "us", http.MethodPost, "/cart/ann/tea", change{2}, nil),
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
	mux.Handle("POST /topology/link", handler(s.postLink))
	mux.Handle("POST /topology/region", handler(s.postRegion))
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

// postLink cuts or heals the link between two regions, both ways.
func (s *supervisor) postLink(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		A   string `json:"a"`
		B   string `json:"b"`
		Cut bool   `json:"cut"`
	}
	if err := readBody(r, &body); err != nil {
		return err
	}
	there, back := s.links[body.A][body.B], s.links[body.B][body.A]
	if there == nil || back == nil {
		return badRequest("There is no link between %q and %q.", body.A, body.B)
	}
	there.set(body.Cut)
	back.set(body.Cut)
	return noContent(w, nil)
}

// postRegion kills, stops or starts a region.
func (s *supervisor) postRegion(w http.ResponseWriter, r *http.Request) error {
	var body struct {
		Name string `json:"name"`
		Do   string `json:"do"`
	}
	if err := readBody(r, &body); err != nil {
		return err
	}
	if s.regions[body.Name] == nil {
		return badRequest("There is no region %q.", body.Name)
	}
	switch {
	case body.Do == "kill":
		s.stop(body.Name, syscall.SIGKILL)
	case body.Do == "stop":
		s.stop(body.Name, os.Interrupt)
	case body.Do == "start" && !s.running(body.Name):
		return noContent(w, s.start(context.WithoutCancel(r.Context()), body.Name))
	}
	return noContent(w, nil)
}
