package test

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/rollout"
	"marketplace.example/trials/test/system"
)

// clientSecret is ours at the provider.
const clientSecret = "client-secret-of-the-scenarios"

// startProvider runs the OpenID Connect provider that others wrote, and returns its address.
func startProvider(t *testing.T, redirect string) string {
	t.Helper()
	if _, err := os.Stat(filepath.Join("oidc", "node_modules", "oidc-provider")); err != nil {
		t.Fatalf("oidc-provider is not installed: run `make test-tools`, or `npm ci --prefix test/oidc` (%v)", err)
	}
	cmd := exec.CommandContext(t.Context(), "node", filepath.Join("oidc", "server.mjs"), redirect, clientSecret)
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = t.Output()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(stdout); lines.Scan(); {
		if address, found := strings.CutPrefix(lines.Text(), "listening at "); found {
			return address
		}
	}
	t.Fatal("oidc-provider ended without listening")
	return ""
}

// freeAddress is one of the loopback that nothing listens on.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// colleague is somebody with a browser, in which the identity provider's pages open too.
type colleague struct {
	*scenario
	browser *http.Client
}

func newColleague(s *scenario) *colleague {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(s.t, err)
	return &colleague{scenario: s, browser: &http.Client{Jar: jar}}
}

// page is what a browser ends up with.
type page struct {
	status int
	at     *url.URL
	body   string
}

func (p *colleague) ends(r *http.Response, err error) page {
	p.t.Helper()
	require.NoError(p.t, err)
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	require.NoError(p.t, err)
	return page{r.StatusCode, r.Request.URL, string(body)}
}

func (p *colleague) opens(path string) page {
	p.t.Helper()
	return p.ends(p.browser.Get(p.API + path))
}

var (
	formAction = regexp.MustCompile(`<form[^>]* action="([^"]+)"`)
	hiddenOnes = regexp.MustCompile(`<input type="hidden" name="([a-zA-Z]+)" value="([^"]*)"`)
)

// sends has the page's last form leave with what it holds and what is added.
func (p *colleague) sends(on page, added url.Values) page {
	p.t.Helper()
	actions := formAction.FindAllStringSubmatch(on.body, -1)
	require.NotEmpty(p.t, actions, "%s %d: %s", on.at, on.status, on.body)
	action, err := on.at.Parse(html.UnescapeString(actions[len(actions)-1][1]))
	require.NoError(p.t, err)
	for _, field := range hiddenOnes.FindAllStringSubmatch(on.body, -1) {
		if !added.Has(field[1]) {
			added.Set(field[1], html.UnescapeString(field[2]))
		}
	}
	return p.ends(p.browser.PostForm(action.String(), added))
}

// signsIn goes by way of the provider, which asks for a name and for consent.
func (p *colleague) signsIn(name, to string) page {
	p.t.Helper()
	at := p.opens("/admin/sign-in/provider?" + url.Values{"to": {to}}.Encode())
	for range 2 {
		if strings.Contains(at.at.Path, "/interaction/") {
			at = p.sends(at, url.Values{"login": {name}, "password": {"any"}})
		}
	}
	return at
}

// An operator signs in at a provider that others wrote, pauses the rollout and is named for it, is out once an admin ends the
// session, and is in again until it signs out. Somebody without a group of ours does not get in.
func TestAnOperatorSignsInWithOpenIDConnect(t *testing.T) {
	api := freeAddress(t)
	issuer := startProvider(t, "http://"+api+"/admin/sign-in/callback")
	s := begin(t, system.Options{Day: 10 * time.Second, APIAddr: api, APIEnv: []string{
		"PUBLIC_URL=http://" + api, "OIDC_ISSUER=" + issuer, "OIDC_CLIENT_ID=trials", "OIDC_CLIENT_SECRET=" + clientSecret,
		"OIDC_GROUPS=trials-viewers=viewer,trials-operators=operator",
	}})
	plan := shortPlan()
	plan.NoticeDays, plan.Phases[0].SoakDays = 0, 100
	s.startRollout(plan)
	ada, admin := newColleague(s), newColleague(s)
	eventually(t, wholeLife, func() error {
		if p := ada.opens("/admin/sign-in"); !strings.Contains(p.body, "Sign in with your account") {
			return fmt.Errorf("the provider is not found yet")
		}
		return nil
	})

	at := ada.signsIn("ada", "/admin/rollout/pause")
	require.Equal(t, http.StatusOK, at.status, at.body)
	require.Equal(t, "/admin/rollout/pause", at.at.Path)
	name := access.PersonName("ada", "ada")
	eventually(t, soon, func() error { // the rollout may go on while the form is open
		if at = ada.sends(at, url.Values{"reason": {"to look"}}); at.status != http.StatusOK {
			return fmt.Errorf("the form is answered %d: %s", at.status, at.body)
		}
		return nil
	})
	s.awaitRollout(wholeLife, func(v rollout.View) error {
		if v.Rollout.Status != rollout.Paused {
			return fmt.Errorf("it is not paused yet")
		}
		require.Equal(t, name, v.Rollout.Pause.By)
		return nil
	})
	require.Contains(t, s.starter("audit", "list", "--actor", name), "pauseRollout")
	require.Equal(t, http.StatusForbidden, ada.opens("/admin/sessions").status)

	require.Equal(t, http.StatusOK, admin.sends(admin.opens("/admin/sign-in"), url.Values{"token": {s.Secrets.AdminToken}}).status)
	sessions := admin.opens("/admin/sessions")
	end := regexp.MustCompile(`/admin/sessions/[0-9a-f]{16}/end`).FindAllString(sessions.body, -1)
	require.Len(t, end, 1, sessions.body)
	require.Contains(t, admin.sends(admin.opens(end[0]), url.Values{"reason": {"to see that it ends"}}).body, "is over: the next request of that browser is refused")
	require.Contains(t, ada.opens("/admin/trials").body, "An admin has ended your session.")
	require.Contains(t, s.starter("audit", "list", "--action", "endSessions"), "to see that it ends")

	require.Equal(t, "/admin/trials", ada.signsIn("ada", "/admin/trials").at.Path, "the groups are still there")
	require.Equal(t, "/admin/sign-in", ada.sends(ada.opens("/admin/"), url.Values{}).at.Path)
	require.Equal(t, "/admin/sign-in", ada.opens("/admin/").at.Path)

	eve := newColleague(s)
	at = eve.signsIn("eve", "/admin/")
	require.Equal(t, http.StatusForbidden, at.status)
	require.Contains(t, at.body, "none of its groups may use these pages")
	log, err := os.ReadFile(filepath.Join(s.LogDir, "api.log"))
	require.NoError(t, err)
	require.Contains(t, string(log), "not signed in by the identity provider")
	for _, private := range []string{"@marketplace.example\"", "eve@", clientSecret} {
		require.NotContains(t, string(log), private)
	}
}
