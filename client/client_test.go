package client_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/client"
)

func answered(status int, contentType, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Header: http.Header{"Content-Type": {contentType}}, Body: io.NopCloser(strings.NewReader(body)),
	}
}

func TestReadTellsAnAnswerFromEverythingElse(t *testing.T) {
	t.Parallel()
	type value struct{ Name string }
	const problem = `{"type":"about:blank","title":"Conflict","status":409,"detail":"it runs","requestId":"r-1"}`
	refused := errors.New("connection refused")
	for name, c := range map[string]struct {
		response *http.Response
		err      error
		want     string
	}{
		"an answer":            {answered(202, "application/json", `{"name":"ada"}`), nil, ""},
		"a refusal":            {answered(409, "application/problem+json", problem), nil, "it runs (409, request r-1)"},
		"a stranger's error":   {answered(502, "text/html", "<html>"), nil, "the answer was not the API's: Bad Gateway (502, request )"},
		"a web page":           {answered(200, "text/html", "<html>"), nil, client.ErrNotAPI.Error()},
		"another status":       {answered(206, "application/json", `{"name":"ada"}`), nil, client.ErrNotAPI.Error()},
		"JSON of another kind": {answered(200, "application/json", `[]`), nil, "json: cannot unmarshal array"},
		"no answer":            {nil, refused, refused.Error()},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := client.Read[value](c.response, c.err)
			if c.want != "" {
				require.ErrorContains(t, err, c.want)
				return
			}
			require.NoError(t, err)
			require.Equal(t, client.Answer[value]{Value: value{"ada"}, Body: []byte(`{"name":"ada"}`), Status: http.StatusAccepted}, got)
		})
	}
}
