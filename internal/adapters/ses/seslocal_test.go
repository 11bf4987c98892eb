package ses

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/trial"
)

// sesLocal is where `npm ci` installs a third-party stand-in for SES.
var sesLocal = filepath.Join("..", "..", "..", "test", "ses", "node_modules", "aws-ses-v2-local", "dist", "cli.js")

var listening = regexp.MustCompile(`server running at (http://\S+)`)

// startSESLocal runs aws-ses-v2-local on a port that the system picks, and
// returns its address.
func startSESLocal(t *testing.T, accountJSON string) string {
	t.Helper()
	if _, err := os.Stat(sesLocal); err != nil {
		t.Fatalf("aws-ses-v2-local is not installed: run `make test-deps`, or `npm ci --prefix test/ses` (%v)", err)
	}
	cmd := exec.CommandContext(t.Context(), "node", sesLocal, "--host", "127.0.0.1", "--port", "0")
	cmd.Env = append(os.Environ(), "AWS_SES_ACCOUNT="+accountJSON)
	cmd.WaitDelay = 10 * time.Second
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	cmd.Stderr = t.Output()
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})

	address := make(chan string, 1)
	go func() {
		defer close(address)
		for lines := bufio.NewScanner(stdout); lines.Scan(); {
			if m := listening.FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
				_, _ = io.Copy(io.Discard, stdout)
				return
			}
		}
	}()
	select {
	case a, ok := <-address:
		require.True(t, ok, "aws-ses-v2-local ended without listening")
		return a
	case <-time.After(5 * time.Minute):
		t.Fatal("aws-ses-v2-local does not listen after five minutes")
		return ""
	}
}

const localAccount = `{"DedicatedIpAutoWarmupEnabled":false,"Details":{"AdditionalContactEmailAddresses":[],"ContactLanguage":"EN",
"MailType":"TRANSACTIONAL","ReviewDetails":{"CaseId":"1","Status":"GRANTED"},"UseCaseDescription":"trials","WebsiteURL":"https://shop.example"},
"EnforcementStatus":"HEALTHY","ProductionAccessEnabled":true,"SendingEnabled":true,
"SendQuota":{"Max24HourSend":1000,"MaxSendRate":25,"SentLast24Hours":10},"SuppressionAttributes":{"SuppressedReasons":[]}}`

func TestASendReachesAnSESThatOthersWrote(t *testing.T) {
	t.Parallel()
	address := startSESLocal(t, localAccount)
	ses := client(address)

	rate, err := NewRate(ses, 1, nil)
	require.NoError(t, err)
	require.NoError(t, rate.Wait(t.Context(), time.Second))
	require.InDelta(t, 25, float64(rate.limiter.Limit()), 1e-9)
	require.InDelta(t, 989, rate.left, 1e-9)

	rendered := render(t, reminder())
	m := message()
	m.Subject, m.Text, m.HTML = rendered.Subject, rendered.Text, rendered.HTML
	outcome := newSender(t, ses, SenderConfig{ConfigurationSet: "trials", Rate: rate}).Send(t.Context(), m)
	require.Equal(t, trial.SendSent, outcome.Status, outcome.Reason)
	require.NotEmpty(t, outcome.MessageID)

	store := fetchStore(t.Context(), t, address)
	require.Len(t, store.Emails, 1)
	got := store.Emails[0]
	require.Equal(t, outcome.MessageID, got.MessageID)
	require.Equal(t, []string{m.To}, got.Destination.To)
	require.Equal(t, m.Subject, got.Subject)
	require.Equal(t, m.Text, got.Body.Text)
	require.Equal(t, m.HTML, got.Body.HTML)
	require.Equal(t, []header{
		{"List-Unsubscribe", "<" + m.UnsubscribeURL + ">"},
		{"List-Unsubscribe-Post", "List-Unsubscribe=One-Click"},
	}, got.Headers)
}

type header struct{ Name, Value string }

type localStore struct {
	Emails []struct {
		MessageID   string
		Subject     string
		Destination struct{ To []string }
		Body        struct{ Text, HTML string }
		Headers     []header
	}
}

func fetchStore(ctx context.Context, t *testing.T, address string) localStore {
	t.Helper()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/store", http.NoBody)
	require.NoError(t, err)
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	var store localStore
	require.NoError(t, json.NewDecoder(response.Body).Decode(&store))
	return store
}
