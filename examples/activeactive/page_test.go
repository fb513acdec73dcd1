package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// A browser is a headless Chromium, spoken to through a pipe.
type browser struct {
	t       *testing.T
	in      io.Writer
	out     *bufio.Reader
	session string
	next    int
}

// openBrowser starts one, or skips the test if there is none.
func openBrowser(t *testing.T, url string, width, height int) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("the page is tested where chromium is installed")
	}
	toR, toW, err := os.Pipe()
	require.NoError(t, err)
	fromR, fromW, err := os.Pipe()
	require.NoError(t, err)
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
		"--user-data-dir="+t.TempDir(), "--remote-debugging-pipe")
	cmd.ExtraFiles = []*os.File{toR, fromW}
	require.NoError(t, cmd.Start())
	require.NoError(t, toR.Close())
	require.NoError(t, fromW.Close())
	t.Cleanup(func() {
		_ = toW.Close()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	b := &browser{t: t, in: toW, out: bufio.NewReader(fromR)}
	target := b.call("Target.createTarget", map[string]any{"url": "about:blank"})
	b.session = b.call("Target.attachToTarget", map[string]any{"targetId": target["targetId"], "flatten": true})["sessionId"].(string)
	b.size(width, height)
	b.call("Page.navigate", map[string]any{"url": url})
	return b
}

func (b *browser) size(width, height int) {
	b.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false})
}

func (b *browser) dark(on bool) {
	value := "light"
	if on {
		value = "dark"
	}
	b.call("Emulation.setEmulatedMedia", map[string]any{"features": []any{map[string]any{"name": "prefers-color-scheme", "value": value}}})
}

// call makes a call of the DevTools protocol.
func (b *browser) call(method string, params map[string]any) map[string]any {
	b.t.Helper()
	b.next++
	m := map[string]any{"id": b.next, "method": method, "params": params}
	if b.session != "" {
		m["sessionId"] = b.session
	}
	text, err := json.Marshal(m)
	require.NoError(b.t, err)
	_, err = b.in.Write(append(text, 0))
	require.NoError(b.t, err)
	for {
		text, err := b.out.ReadBytes(0)
		require.NoError(b.t, err)
		var a struct {
			ID     int
			Result map[string]any
			Error  any
		}
		require.NoError(b.t, json.Unmarshal(text[:len(text)-1], &a))
		if a.ID == b.next {
			require.Nil(b.t, a.Error, method)
			return a.Result
		}
	}
}

// eval returns the value of an expression in the page.
func (b *browser) eval(expression string) any {
	b.t.Helper()
	r := b.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true})
	require.Nil(b.t, r["exceptionDetails"], expression)
	return r["result"].(map[string]any)["value"]
}

// wait waits until an expression is true.
func (b *browser) wait(expression string) {
	b.t.Helper()
	require.Eventually(b.t, func() bool { return b.eval(expression) == true }, 15*time.Second, 100*time.Millisecond, expression)
}

// press presses a key.
func (b *browser) press(key, text string) {
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyDown", "key": key, "text": text, "windowsVirtualKeyCode": map[string]int{"Tab": 9, "Enter": 13}[key]})
	b.call("Input.dispatchKeyEvent", map[string]any{"type": "keyUp", "key": key})
}

// shot writes a picture of the page, where ACTIVEACTIVE_SHOTS says so.
func (b *browser) shot(name string) {
	dir := os.Getenv("ACTIVEACTIVE_SHOTS")
	if dir == "" {
		return
	}
	data, err := base64.StdEncoding.DecodeString(b.call("Page.captureScreenshot", map[string]any{"format": "png"})["data"].(string))
	require.NoError(b.t, err)
	require.NoError(b.t, os.WriteFile(filepath.Join(dir, name+".png"), data, 0o600))
}

// typeInto types into the field of a region.
func typeInto(region, field, value string) string {
	return fmt.Sprintf(`(e => { e.value = %q; e.dispatchEvent(new Event("change")) })(document.getElementById("%s-%s"))`, value, region, field)
}

func click(text string) string {
	return fmt.Sprintf(`[...document.querySelectorAll("button")].find(b => b.textContent.startsWith(%q)).click()`, text)
}

func clickIn(region, text string) string {
	return fmt.Sprintf(`[...cards.%s.el.querySelectorAll("button")].find(b => b.textContent.startsWith(%q)).click()`, region, text)
}

// TestPage goes through what the README shows.
func TestPage(t *testing.T) {
	if _, err := exec.LookPath("chromium"); err != nil {
		t.Skip("the page is tested where chromium is installed")
	}
	s := shop(t, "-explain")
	srv := httptest.NewServer(s.page())
	t.Cleanup(srv.Close)
	b := openBrowser(t, srv.URL, 1200, 1500)
	same := `regions.every(r => rows.slice(0, 4).every(k => cards[r][k].classList.contains("same") && seen.rows[r][k]))`
	b.wait(`typeof cards === "object" && rows.slice(0, 4).every(k => seen.rows.us?.[k] && seen.rows.eu[k])`)
	b.wait(same)

	// One write, from the browser to the screen of another region.
	b.eval(typeInto("eu", "city", "Porto"))
	b.wait(`cards.us.city.value === "Porto" && cards.ap.city.value === "Porto"`)

	b.eval(clickIn("eu", "Order"))
	b.wait(`seen.rows.us["order/ann:1"] && ` + same)
	b.eval(click("Cut eu – us"))
	b.wait(`seen.cut.size > 0`)
	b.eval(click("Cut ap – eu"))
	b.wait(`seen.cut.size > 2`)
	b.eval(typeInto("eu", "city", "Braga"))
	b.wait(`seen.rows.eu["profile/ann"].state.city === "Braga"`)
	b.eval(typeInto("us", "city", "Faro"))
	b.eval(typeInto("us", "phone", "555-0100"))
	b.eval(clickIn("eu", "+10"))
	b.eval(clickIn("us", "+10"))
	b.eval(clickIn("eu", "Pay"))
	b.eval(clickIn("us", "Cancel"))
	b.wait(`cards.us["profile/ann"].classList.contains("differs") && cards.us.phone.value === "555-0100"`)
	time.Sleep(700 * time.Millisecond)
	b.shot("cut")
	b.eval(click("Heal eu – us"))
	b.eval(click("Heal ap – eu"))
	b.wait(`seen.cut.size === 0 && ` + same + ` && cards.eu.points.textContent === "120"`)
	require.Equal(t, true, b.eval(`regions.every(r => cards[r].city.value === "Faro" && cards[r].phone.value === "555-0100")`))
	b.wait(`document.body.textContent.includes("gave way") && lost.size > 0`)
	b.wait(`document.getElementById("tickets").querySelectorAll("button").length === 2`)
	b.shot("healed")
	b.dark(true)
	time.Sleep(300 * time.Millisecond)
	b.size(390, 844)
	require.Equal(t, true, b.eval(`document.documentElement.scrollWidth <= 390`), "the page fits on a phone")
	b.shot("phone")
	b.size(1200, 1500)
	b.dark(false)

	// Keyboard: the first button of the conflicts is reached by Tab, and settles.
	b.eval(`document.getElementById("tickets").focus()`)
	b.press("Tab", "")
	require.Equal(t, true, b.eval(`document.activeElement.textContent.startsWith("Keep")`))
	b.press("Enter", "\r")
	b.wait(`document.getElementById("tickets").querySelectorAll("button").length === 0 && ` + same)

	b.eval(clickIn("ap", "Kill"))
	b.wait(`cards.ap.kill.textContent === "Start"`)
	b.eval(clickIn("ap", "Start"))
	b.wait(`cards.ap.kill.textContent === "Kill" && ` + same)
}
