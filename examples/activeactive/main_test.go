package main

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/rejoin-go/rejoin/crdt"
)

// shop starts three regions that end with the test.
func shop(t *testing.T, extra ...string) *supervisor {
	t.Helper()
	s, err := newSupervisor(t.TempDir(), []string{"ap", "eu", "us"}, append([]string{"-sync", "300ms"}, extra...)...)
	require.NoError(t, err)
	t.Cleanup(s.stopAll)
	require.NoError(t, s.startAll())
	return s
}

// What a region answers, as far as the tests look at it.
type (
	stockView struct {
		Left  int64
		Exact bool
	}
	flagView struct{ Value string }
	cartLine struct {
		SKU   string
		Count int64
		ETag  string
	}
	orderView struct {
		Order                *Order
		Rule, Reason, Ticket string
		Choices              []Order
	}
	rowView struct{ Bytes int }
	settled struct {
		Ticket string `json:"ticket"`
		Keep   int    `json:"keep"`
	}
)

// must makes a request that succeeds, and returns its ETag.
func must(t *testing.T, s *supervisor, region, method, path, match string, body, into any) string {
	t.Helper()
	tag, err := s.callTag(t.Context(), region, method, path, match, body, into)
	require.NoError(t, err, "%s %s at %s", method, path, region)
	return tag
}

// lineTag returns the ETag of the first line of a cart.
func lineTag(t *testing.T, s *supervisor, region, cart string) string {
	t.Helper()
	var lines []cartLine
	must(t, s, region, http.MethodGet, cart, "", nil, &lines)
	require.NotEmpty(t, lines)
	return lines[0].ETag
}

// refused makes a request that is answered with a status and a sentence.
func refused(t *testing.T, s *supervisor, status int, region, method, path, match string, body any) string {
	t.Helper()
	_, err := s.callTag(t.Context(), region, method, path, match, body, nil)
	var e *statusError
	require.ErrorAs(t, err, &e, "%s %s at %s", method, path, region)
	require.Equal(t, status, e.status, e.text)
	require.Equal(t, status == http.StatusServiceUnavailable, e.header.Get("Retry-After") != "")
	var answer struct{ Error string }
	require.NoError(t, json.Unmarshal([]byte(e.text), &answer))
	require.Greater(t, len(answer.Error), 10, "an answer says what is wrong")
	return answer.Error
}

func (s *supervisor) cutOff(name string, cut bool) {
	for way, l := range s.links {
		if way[0] == name || way[1] == name {
			l.cut.Store(cut)
		}
	}
}

func equal(t *testing.T, s *supervisor) {
	t.Helper()
	_, err := s.awaitEqual(t.Context(), []string{"ap", "eu", "us"}, 20*time.Second)
	require.NoError(t, err)
}

func TestWriteReachesOtherRegions(t *testing.T) {
	s := shop(t)
	must(t, s, "eu", http.MethodPatch, "/profile/ann", "", map[string]any{"name": "Ann", "city": "Porto", "addTags": []string{"vip"}, "addPoints": 3}, nil)
	must(t, s, "us", http.MethodPost, "/cart/ann/tea", "", amount{2}, nil)
	must(t, s, "ap", http.MethodPut, "/flags/site/banner", "", map[string]string{"value": "on"}, nil)
	equal(t, s)

	var p Profile
	must(t, s, "us", http.MethodGet, "/profile/ann", "", nil, &p)
	require.Equal(t, Profile{Name: "Ann", City: "Porto", Tags: []string{"vip"}, Points: 3}, p)

	t.Run("the page of a client that is behind a region's own merges", func(t *testing.T) {
		s.cutOff("eu", true)
		must(t, s, "eu", http.MethodPost, "/cart/ann/tea", "", amount{1}, nil)
		var lines []cartLine
		must(t, s, "eu", http.MethodGet, "/cart/ann", "", nil, &lines)
		text := refused(t, s, http.StatusServiceUnavailable, "us", http.MethodDelete, "/cart/ann/tea", lines[0].ETag, nil)
		require.Contains(t, text, "has not arrived")
		must(t, s, "us", http.MethodPost, "/cart/ann/tea", "", amount{5}, nil)
		must(t, s, "eu", http.MethodDelete, "/cart/ann/tea", lines[0].ETag, nil, nil)
		s.cutOff("eu", false)
		equal(t, s)
		must(t, s, "ap", http.MethodGet, "/cart/ann", "", nil, &lines)
		require.Equal(t, int64(5), lines[0].Count, "what eu had not been shown stays")
	})

	t.Run("a line keeps what its region has counted since it was shown", func(t *testing.T) {
		must(t, s, "eu", http.MethodPost, "/cart/bob/milk", "", amount{5}, nil)
		var lines []cartLine
		must(t, s, "eu", http.MethodGet, "/cart/bob", "", nil, &lines)
		must(t, s, "eu", http.MethodPost, "/cart/bob/milk", "", amount{1}, nil)
		must(t, s, "eu", http.MethodDelete, "/cart/bob/milk", lines[0].ETag, nil, nil)
		must(t, s, "eu", http.MethodGet, "/cart/bob", "", nil, &lines)
		require.Equal(t, int64(1), lines[0].Count)
	})
}

func TestBadRequests(t *testing.T) {
	s := shop(t)
	for _, c := range []struct {
		status             int
		method, path, text string
		match              string
		body               any
	}{
		{400, "PATCH", "/profile/ann", "unknown field", "", map[string]string{"nmae": "Ann"}},
		{400, "PATCH", "/profile/ann", "If-Match", `"x"`, map[string]string{"name": "Ann"}},
		{400, "PATCH", "/profile/" + strings.Repeat("a", 201), "200 bytes", "", map[string]string{"name": "Ann"}},
		{400, "POST", "/cart/ann/tea", "1 to 1000", "", amount{0}},
		{400, "DELETE", "/cart/ann/tea", "If-Match", "", nil},
		{400, "PUT", "/order/1", "An order has", "", Order{Item: "lamp", Status: "lost"}},
		{422, "POST", "/stock/lamp/deliver", "not positive", "", amount{-3}},
		{409, "POST", "/stock/none/buy", "rights", "", amount{1}},
		{409, "POST", "/order/1/settle", "decided", "", settled{Ticket: "x"}},
		{400, "POST", "/admin/mode", "no mode", "", mode{Name: "chaos"}},
	} {
		text := refused(t, s, c.status, "eu", c.method, c.path, c.match, c.body)
		require.Contains(t, text, c.text)
	}
	must(t, s, "eu", http.MethodPost, "/cart/ann/tea", "", amount{1}, nil)
	tag := lineTag(t, s, "eu", "/cart/ann")
	text := refused(t, s, 400, "eu", http.MethodDelete, "/cart/bob/tea", tag, nil)
	require.Contains(t, text, "another row", "a context is good for its own row")
}

func TestOrders(t *testing.T) {
	s := shop(t)
	order := Order{Item: "lamp", Status: "new", Total: 4900}
	tag := must(t, s, "eu", http.MethodPut, "/order/ann:1", "", order, nil)
	equal(t, s)
	s.cutOff("eu", true)
	paid, cancelled := order, order
	paid.Status, paid.Payment, cancelled.Status = "paid", "p1", "cancelled"
	must(t, s, "eu", http.MethodPut, "/order/ann:1", tag, paid, nil)
	must(t, s, "us", http.MethodPut, "/order/ann:1", tag, cancelled, nil)
	s.cutOff("eu", false)
	equal(t, s)

	var v orderView
	must(t, s, "ap", http.MethodGet, "/order/ann:1", "", nil, &v)
	require.NotEmpty(t, v.Ticket)
	require.Contains(t, v.Reason, "paid in one region and cancelled in another")
	keep := 0
	if v.Choices[0].Status != "cancelled" {
		keep = 1
	}
	must(t, s, "ap", http.MethodPost, "/order/ann:1/settle", "", settled{v.Ticket, keep}, nil)
	refused(t, s, http.StatusConflict, "ap", http.MethodPost, "/order/ann:1/settle", "", settled{v.Ticket, keep})
	equal(t, s)
	v = orderView{}
	must(t, s, "eu", http.MethodGet, "/order/ann:1", "", nil, &v)
	require.Equal(t, "cancelled", v.Order.Status)
	require.Empty(t, v.Ticket)
	require.Eventually(t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.refunds["refund p1"] > 0
	}, 5*time.Second, 50*time.Millisecond, "who had paid gets it back")
}

func TestPromotion(t *testing.T) {
	s := shop(t)
	for name := range s.regions {
		must(t, s, name, http.MethodPost, "/admin/mode", "", mode{Name: activePassive, Primary: "eu"}, nil)
	}
	order := Order{Item: "lamp", Status: "new", Total: 4900}
	tag := must(t, s, "eu", http.MethodPut, "/order/ann:1", "", order, nil)
	text := refused(t, s, http.StatusMisdirectedRequest, "us", http.MethodPut, "/order/ann:1", tag, order)
	require.Contains(t, text, `"eu"`)
	equal(t, s)

	s.cutOff("eu", true)
	must(t, s, "us", http.MethodPost, "/admin/promote", "", nil, nil)
	must(t, s, "ap", http.MethodPost, "/admin/mode", "", mode{Name: activePassive, Primary: "us", Epoch: 1}, nil)
	late, next := order, order
	late.Status, next.Status = "cancelled", "shipped"
	must(t, s, "eu", http.MethodPut, "/order/ann:1", tag, late, nil) // it does not know yet
	must(t, s, "eu", http.MethodPut, "/order/late", "", late, nil)
	must(t, s, "us", http.MethodPut, "/order/ann:1", tag, next, nil)
	s.cutOff("eu", false)
	equal(t, s)
	refused(t, s, http.StatusMisdirectedRequest, "eu", http.MethodPut, "/order/ann:1", tag, order)
	refused(t, s, http.StatusMisdirectedRequest, "eu", http.MethodPut, "/order/new", "", order)

	var v orderView
	must(t, s, "ap", http.MethodGet, "/order/ann:1", "", nil, &v)
	require.Equal(t, "shipped", v.Order.Status)
	var lines []string
	must(t, s, "eu", http.MethodGet, "/audit", "", nil, &lines)
	require.Contains(t, fmt.Sprint(lines), "cancelled", "what was fenced is written down")
}

func TestHomeRegion(t *testing.T) {
	s := shop(t)
	for name := range s.regions {
		must(t, s, name, http.MethodPost, "/admin/mode", "", mode{Name: homeRegion}, nil)
	}
	for i := range 6 { // whatever the home of the user is, all regions take the write
		row := fmt.Sprintf("/cart/user-%d/tea", i)
		for name := range s.regions {
			must(t, s, name, http.MethodPost, row, "", amount{1}, nil)
		}
	}
	s.cutOff("ap", true)
	time.Sleep(500 * time.Millisecond)
	for i := range 6 {
		must(t, s, "ap", http.MethodPost, fmt.Sprintf("/cart/user-%d/tea", i), "", amount{1}, nil)
	}
	s.cutOff("ap", false)
	equal(t, s)
	for i := range 6 {
		var lines []cartLine
		must(t, s, "us", http.MethodGet, fmt.Sprintf("/cart/user-%d", i), "", nil, &lines)
		require.Equal(t, int64(4), lines[0].Count)
	}
}

func TestStockIsNeverOversold(t *testing.T) {
	s := shop(t)
	must(t, s, "eu", http.MethodPost, "/stock/lamp/deliver", "", amount{30}, nil)
	equal(t, s)
	sold := make(chan bool, 90)
	for name := range s.regions {
		for range 30 {
			go func() {
				err := s.call(context.Background(), name, http.MethodPost, "/stock/lamp/buy", amount{1}, nil)
				sold <- err == nil
			}()
		}
	}
	n := 0
	for range 90 {
		if <-sold {
			n++
		}
	}
	equal(t, s)
	var v stockView
	must(t, s, "us", http.MethodGet, "/stock/lamp", "", nil, &v)
	require.True(t, v.Exact)
	require.Equal(t, int64(30-n), v.Left)
	require.GreaterOrEqual(t, v.Left, int64(0))
}

// incarnation returns which life a region is in.
func incarnation(t *testing.T, s *supervisor, name string) (n uint64) {
	t.Helper()
	var v struct{ Incarnation uint64 }
	must(t, s, name, http.MethodGet, "/status", "", nil, &v)
	return v.Incarnation
}

func TestIdentity(t *testing.T) {
	s := shop(t)
	add := func() { must(t, s, "eu", http.MethodPost, "/cart/ann/tea", "", amount{1}, nil) }
	add()
	first := incarnation(t, s, "eu")
	for _, sig := range []os.Signal{os.Interrupt, syscall.SIGKILL} {
		add()
		s.stop("eu", sig)
		require.NoError(t, s.start("eu"))
		require.Equal(t, first, incarnation(t, s, "eu"), "a database that is the one last written goes on")
	}
	backup := t.TempDir() + "/backup"
	must(t, s, "eu", http.MethodPost, "/admin/backup", "", map[string]string{"path": backup}, nil)
	witness, err := os.ReadFile(s.regions["eu"].dir + "/witness")
	require.NoError(t, err)
	copied, err := os.ReadFile(backup)
	require.NoError(t, err)
	again := func() {
		add()
		equal(t, s)
		s.stop("eu", syscall.SIGKILL)
		require.NoError(t, replaceDatabase(s.regions["eu"].dir, ""))
		require.NoError(t, os.WriteFile(s.regions["eu"].dir+"/rows.db", copied, 0o600))
	}
	again()
	require.NoError(t, s.start("eu"))
	second := incarnation(t, s, "eu")
	require.Greater(t, second, first, "a database from a backup begins a new incarnation")
	again()
	require.NoError(t, os.WriteFile(s.regions["eu"].dir+"/witness", witness, 0o600))
	require.NoError(t, s.start("eu"))
	require.Greater(t, incarnation(t, s, "eu"), second, "so does a machine that was restored as a whole: its peers know")
	add()
	equal(t, s)
	var lines []cartLine
	must(t, s, "us", http.MethodGet, "/cart/ann", "", nil, &lines)
	require.Equal(t, int64(6), lines[0].Count, "nothing is lost and nothing counted twice")
}

// restore puts a copy of a region's database from before in the place of it.
func restore(t *testing.T, s *supervisor, region, file string) {
	t.Helper()
	s.stop(region, syscall.SIGKILL)
	require.NoError(t, replaceDatabase(s.regions[region].dir, file))
	require.NoError(t, s.start(region))
}

func TestRestoredRegionIsBehindItsClients(t *testing.T) {
	s := shop(t)
	order := Order{Item: "lamp", Status: "new", Total: 4900}
	tag := must(t, s, "eu", http.MethodPut, "/order/ann:1", "", order, nil)
	must(t, s, "eu", http.MethodPatch, "/profile/ann", "", map[string]any{"city": "Porto"}, nil)
	backup := t.TempDir() + "/backup"
	must(t, s, "eu", http.MethodPost, "/admin/backup", "", map[string]string{"path": backup}, nil)
	order.Status = "paid"
	tag = must(t, s, "eu", http.MethodPut, "/order/ann:1", tag, order, nil)
	must(t, s, "eu", http.MethodPost, "/cart/ann/tea", "", amount{2}, nil)
	line := lineTag(t, s, "eu", "/cart/ann")
	must(t, s, "eu", http.MethodPatch, "/profile/ann", "", map[string]any{"city": "Faro"}, nil)
	profile := must(t, s, "eu", http.MethodGet, "/profile/ann", "", nil, nil)
	equal(t, s)
	s.cutOff("eu", true)
	restore(t, s, "eu", backup)
	order.Status = "shipped"
	writes := []struct {
		method, path, match string
		body                any
	}{
		{http.MethodPut, "/order/ann:1", tag, order},
		{http.MethodDelete, "/cart/ann/tea", line, nil},
	}
	for _, c := range writes {
		refused(t, s, http.StatusServiceUnavailable, "eu", c.method, c.path, c.match, c.body)
	}
	// A change of fields says nothing of the others, so it need not wait.
	must(t, s, "eu", http.MethodPatch, "/profile/ann", profile, map[string]any{"city": "Braga"}, nil)
	s.cutOff("eu", false)
	equal(t, s)
	for _, c := range writes {
		must(t, s, "eu", c.method, c.path, c.match, c.body, nil)
	}
	equal(t, s)
	var v orderView
	must(t, s, "ap", http.MethodGet, "/order/ann:1", "", nil, &v)
	require.Equal(t, "shipped", v.Order.Status)
	var p Profile
	must(t, s, "ap", http.MethodGet, "/profile/ann", "", nil, &p)
	require.Equal(t, "Braga", p.City)
}

func TestRegionGoneForGood(t *testing.T) {
	t.Parallel()
	s := shop(t)
	must(t, s, "ap", http.MethodPost, "/stock/lamp/deliver", "", amount{30}, nil)
	must(t, s, "eu", http.MethodPut, "/flags/site/a-flag-that-is-deleted", "", map[string]string{"value": "on"}, nil)
	must(t, s, "eu", http.MethodPut, "/flags/site/banner", "", map[string]string{"value": "on"}, nil)
	equal(t, s)
	s.stop("ap", syscall.SIGKILL)
	for _, name := range []string{"eu", "us"} {
		must(t, s, name, http.MethodPost, "/admin/retire", "", map[string]string{"region": "ap"}, nil)
	}
	refused(t, s, http.StatusBadRequest, "eu", http.MethodPost, "/admin/retire", "", map[string]string{"region": "mars"})
	must(t, s, "eu", http.MethodDelete, "/flags/site/a-flag-that-is-deleted", "", nil, nil)
	require.Eventually(t, func() bool {
		err := s.call(t.Context(), "us", http.MethodPost, "/stock/lamp/buy", amount{20}, nil)
		return err == nil
	}, 30*time.Second, 200*time.Millisecond, "what it could sell is sold by others")
	require.Eventually(t, func() bool {
		var rows map[string]rowView
		must(t, s, "us", http.MethodGet, "/rows", "", nil, &rows)
		return rows["flags/site"].Bytes < 50
	}, 30*time.Second, 200*time.Millisecond, "nobody waits for it before something is forgotten")

	require.NoError(t, s.start("ap"))
	must(t, s, "ap", http.MethodPost, "/cart/ann/tea", "", amount{1}, nil)
	time.Sleep(time.Second)
	var lines []cartLine
	must(t, s, "eu", http.MethodGet, "/cart/ann", "", nil, &lines)
	require.Empty(t, lines, "nothing of it is taken any more")
}

// A region that joins empty takes what it reads ahead, but no row that it cannot read, and none before its time.
func TestEmptyRegionTakesWhatItMay(t *testing.T) {
	s := shop(t)
	must(t, s, "eu", http.MethodPatch, "/profile/ann", "", map[string]any{"city": "Porto"}, nil)
	must(t, s, "eu", http.MethodPost, "/cart/ann/tea", "", amount{2}, nil)
	must(t, s, "eu", http.MethodPut, "/order/ann:1", "", Order{Item: "lamp", Status: "new", Total: 4900}, nil)
	equal(t, s)
	s.stop("ap", os.Interrupt)
	s.stop("eu", os.Interrupt)
	db, err := sql.Open("sqlite", "file:"+s.regions["eu"].dir+"/rows.db")
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO rows (id, rev, garbage, state) VALUES ('cart/bad', 1, FALSE, x'ff')`)
	require.NoError(t, errors.Join(err, db.Close()))
	require.NoError(t, s.start("eu"))
	must(t, s, "eu", http.MethodPost, "/admin/skew", "", map[string]int64{"ms": 5000}, nil)
	must(t, s, "eu", http.MethodPatch, "/profile/bob", "", map[string]any{"city": "Braga"}, nil)
	s.links[[2]string{"ap", "us"}].cut.Store(true) // everything comes from eu
	s.links[[2]string{"us", "ap"}].cut.Store(true)
	require.NoError(t, replaceDatabase(s.regions["ap"].dir, ""))
	require.NoError(t, s.start("ap"))

	city := func(row string) string {
		var p Profile
		must(t, s, "ap", http.MethodGet, row, "", nil, &p)
		return p.City
	}
	require.Eventually(t, func() bool { return city("/profile/ann") == "Porto" }, 4*time.Second, 10*time.Millisecond)
	require.Empty(t, city("/profile/bob"), "its time has not come")
	var rows map[string]rowView
	must(t, s, "ap", http.MethodGet, "/rows", "", nil, &rows)
	require.ElementsMatch(t, []string{"profile/ann", "cart/ann", "order/ann:1"}, slices.Collect(maps.Keys(rows)))
	require.Eventually(t, func() bool { return city("/profile/bob") == "Braga" }, 10*time.Second, 50*time.Millisecond)
}

func TestCollect(t *testing.T) {
	t.Parallel()
	s := shop(t)
	for i := range 20 {
		flag, line := fmt.Sprintf("/flags/site/flag-%d", i), fmt.Sprintf("/cart/ann/article-%d", i)
		must(t, s, "eu", http.MethodPut, flag, "", map[string]string{"value": "on"}, nil)
		must(t, s, "eu", http.MethodDelete, flag, "", nil, nil)
		must(t, s, "us", http.MethodPost, line, "", amount{1}, nil)
		must(t, s, "us", http.MethodDelete, line, lineTag(t, s, "us", "/cart/ann"), nil, nil)
		mark := []string{fmt.Sprintf("mark-%d", i)}
		must(t, s, "eu", http.MethodPatch, "/profile/ann", "", map[string]any{"addTags": mark}, nil)
		must(t, s, "eu", http.MethodPatch, "/profile/ann", "", map[string]any{"removeTags": mark}, nil)
	}
	must(t, s, "us", http.MethodPost, "/cart/ann/tea", "", amount{1}, nil)
	must(t, s, "ap", http.MethodPut, "/flags/site/banner", "", map[string]string{"value": "on"}, nil)
	tag := must(t, s, "ap", http.MethodPut, "/order/ann:1", "", Order{Item: "lamp", Status: "new"}, nil)
	must(t, s, "ap", http.MethodDelete, "/order/ann:1", tag, nil, nil)
	equal(t, s)
	var rows map[string]rowView
	must(t, s, "eu", http.MethodGet, "/rows", "", nil, &rows)
	order := rows["order/ann:1"].Bytes
	for name := range s.regions {
		require.Eventually(t, func() bool {
			clear(rows)
			must(t, s, name, http.MethodGet, "/rows", "", nil, &rows)
			return rows["flags/site"].Bytes < 60 && rows["cart/ann"].Bytes < 60 && rows["profile/ann"].Bytes < 80 && rows["order/ann:1"].Bytes < order
		}, 30*time.Second, 200*time.Millisecond, "what all have seen deleted is forgotten at %s", name)
	}
	equal(t, s)
	var flags map[string]flagView
	must(t, s, "us", http.MethodGet, "/flags/site", "", nil, &flags)
	require.Len(t, flags, 1)
	require.Equal(t, "on", flags["banner"].Value)
}

func TestCacheOfRowsIsBounded(t *testing.T) {
	s, err := openStore(t.Context(), filepath.Join(t.TempDir(), "rows.db"))
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.db.Close()) })
	_, err = s.db.Exec(`INSERT INTO lineage (one, commits) VALUES (1, 0)`)
	require.NoError(t, err)
	s.limit, s.replica = 4, "eu"
	ctx := t.Context()
	for i := range 20 {
		keys := []string{fmt.Sprint("cart/", i), fmt.Sprint("cart/", i+1), fmt.Sprint("cart/", i+2)}
		require.NoError(t, s.write(ctx, func(t *tx) error {
			for _, key := range keys {
				changed(t, t.row(key), as[*Cart](t.row(key).state).Update("eu", "tea", func(c *crdt.PNCounter) { c.Add("eu", 1) }))
			}
			return nil
		}, keys...))
	}
	st, err := s.read(ctx, "cart/5")
	require.NoError(t, err)
	tea, _ := as[*Cart](st).At("tea")
	n, _ := tea.Total()
	require.Equal(t, int64(3), n)
}

func TestRowsOfStrangeNamesAreSkipped(t *testing.T) {
	g := &region{store: &store{kinds: kinds}, log: slog.New(slog.DiscardHandler)}
	var e envelope
	for _, key := range []string{"cart/ann", "cart/\xff", "cart/a\x00b", "what/ann", "cart/" + strings.Repeat("a", 200)} {
		e.add(key, nil)
	}
	keys, _, skipped := g.open(arrivals{bodies: [][]byte{e.body}})
	require.Equal(t, []string{"cart/ann"}, keys)
	require.Equal(t, 4, skipped, "this region has not everything that the peer has")
}
