package test

import (
	"crypto/rand"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/test/system"
)

// Support sees an e-mail as its vendor got it, whatever has become of the wording since, until the vendor is erased. Whoever changes
// the wording looks at it, and has it sent to themselves.
func TestAnEMailIsSeenAsItWasSent(t *testing.T) {
	folder, words := t.TempDir(), ""
	wording := func(heading string) {
		require.NoError(t, os.MkdirAll(filepath.Join(folder, "en"), 0o700))
		words = filepath.Join(folder, "en", "welcome.yaml")
		require.NoError(t, os.WriteFile(words, []byte("heading: "+heading+"\n"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "brand.yaml"), []byte("name: Plum Market\nbuttons: {default: \"https://plum.example/plans?vendor={vendorId}\"}\n"), 0o600))
	wording("The words of yesterday")
	to, people := "owner-"+strings.ToLower(rand.Text())+"@example.com", filepath.Join(t.TempDir(), "stakeholders.yaml")
	require.NoError(t, os.WriteFile(people, []byte("stakeholders:\n  - {role: product-owner, email: "+to+"}\n"), 0o600))
	s := begin(t, system.Options{Env: []string{"MAIL_TEMPLATES=" + folder, "STAKEHOLDERS=" + people}})
	ada := s.person("ada")
	s.enroll(ada)
	s.awaitMail(soon, ada.id, "welcome/0")
	sent := s.messages(ada.id + "/welcome")[0]
	require.Contains(t, sent.HTML, "The words of yesterday")

	wording("The words of today")
	page := s.signIn(s.Secrets.AdminToken)
	require.Equal(t, http.StatusOK, page("/admin/mail").Status)
	require.Contains(t, string(page("/admin/mail/welcome/frame?scheme=light").Body), "The words of today")
	path := "/admin/trials/" + ada.id + "/emails/welcome/0"
	eventually(t, soon, func() error { // the send is settled after the e-mail has arrived
		if page(path+"/frame?scheme=dark").Status != http.StatusOK {
			return errors.New("it is not shown yet")
		}
		return nil
	})
	shown := string(page(path + "/frame?scheme=dark").Body)
	require.Contains(t, shown, "The words of yesterday")
	require.NotContains(t, shown, ada.name)
	require.Contains(t, shown, "Plum Market")
	require.NotContains(t, shown, "href")
	require.Contains(t, string(page("/admin/trials/"+ada.id).Body), path)
	key := ada.id + "/welcome/0"
	printed := s.starter("mail", "show", key)
	require.Contains(t, printed, "\nHello,\n")
	require.NotContains(t, printed, ada.name)
	require.NotContains(t, printed, "/unsubscribe/v1.")

	require.NoError(t, os.WriteFile(words, []byte("heading: The {words}\n"), 0o600))
	wrong := string(page("/admin/mail").Body)
	require.Contains(t, wrong, "line 1: heading: {words} is no field here")
	require.Contains(t, string(page("/admin/mail/welcome/frame?scheme=light").Body), "The words of today")

	wording("The words of today") // the command line refuses wrong ones in its environment
	_, err := s.Starter(s.ctx, "mail", "send", "welcome", "--to", ada.address)
	require.ErrorContains(t, err, "must be the address of a stakeholder")
	s.starter("mail", "send", "welcome", "--language", "fr", "--to", to)
	var previews []system.Message
	eventually(t, soon, func() (err error) {
		if previews, err = s.Messages(s.ctx, to); err == nil && len(previews) == 0 {
			err = errors.New("the preview has not come")
		}
		return err
	})
	require.Len(t, previews, 1)
	require.Equal(t, "[Preview] Votre période d’essai a commencé", previews[0].Subject)
	require.NotContains(t, previews[0].HTML, "href")
	require.Len(t, s.messages(ada.id+"/welcome"), 1, "the vendor gets nothing of it")

	s.starter("vendor", "erase", ada.id, "--reason", "asked for it", "--yes")
	gone := string(page(path).Body)
	require.Contains(t, gone, "This vendor was erased at")
	require.NotContains(t, gone, ada.name)
}
