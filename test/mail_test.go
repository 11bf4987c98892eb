package test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// sent is what the collection `sends` holds of an e-mail.
type sent struct {
	Attempt struct {
		Number  int `bson:"number"`
		Resends int `bson:"resends"`
	} `bson:"attempt"`
	Sent *struct {
		MessageID string `bson:"messageId"`
	} `bson:"sent"`
	Delivery *struct {
		Kind string `bson:"kind"`
	} `bson:"delivery"`
}

func (s *scenario) send(key string) sent {
	s.t.Helper()
	var doc sent
	require.NoError(s.t, s.database.Collection("sends").FindOne(s.ctx, bson.M{"_id": key}).Decode(&doc), key)
	return doc
}

func TestABounceSuppressesTheAddress(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	id := s.vendor("ines")
	s.registerAt(id, id+"+bounce@vendors.example.com")
	s.awaitDelivery(id, "bounce")
	s.awaitStatus(wholeLife, id, trial.Expired)
	s.onlyTheWelcome(id, trial.ReasonSuppressedAddress)
}

// awaitDelivery waits until this is known of a vendor's welcome.
func (s *scenario) awaitDelivery(id, kind string) {
	s.t.Helper()
	s.awaitMail(soon, id, "welcome/0")
	eventually(s.t, soon, func() error {
		if d := s.send(id + "/welcome/0").Delivery; d == nil || d.Kind != kind {
			return fmt.Errorf("its %s has not been noted: %+v", kind, d)
		}
		return nil
	})
}

// The server of a forwarded mailbox bounces under another address than ours.
func TestABounceOfAForwardedEmailSuppressesTheAddressWrittenTo(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	id := s.vendor("olga")
	s.registerAt(id, id+"+forward@vendors.example.com")
	s.awaitDelivery(id, "bounce")
	s.awaitStatus(wholeLife, id, trial.Expired)
	s.onlyTheWelcome(id, trial.ReasonSuppressedAddress)
}

func TestAnAutomaticReplyIsNoBounce(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	id := s.vendor("rosa")
	s.registerAt(id, id+"+ooto@vendors.example.com")
	s.awaitStatus(wholeLife, id, trial.Expired)
	require.Equal(t, whole, s.mails(id))
	s.awaitDelivery(id, "delivery")
}

func TestUnsubscribe(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	id := s.vendor("joao")
	s.register(id)
	welcome := s.awaitMail(soon, id, "welcome/0")
	require.Equal(t, "List-Unsubscribe=One-Click", welcome.Headers["List-Unsubscribe-Post"])
	link, err := url.Parse(strings.Trim(welcome.Headers["List-Unsubscribe"], "<>"))
	require.NoError(t, err)
	require.Equal(t, "marketplace.example", link.Host)
	oneClick := func(path string) int { // as a mail client does
		a, err := system.Call(s.ctx, http.MethodPost, s.API+path, "", []byte("List-Unsubscribe=One-Click"),
			http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		require.NoError(t, err)
		return a.Status
	}
	require.Equal(t, http.StatusForbidden, oneClick(link.Path[:len(link.Path)-3]+"xyz"), "a forged link")
	require.Less(t, oneClick(link.Path), 300)
	s.awaitStatus(wholeLife, id, trial.Expired)
	s.onlyTheWelcome(id, trial.ReasonUnsubscribed)
}

// onlyTheWelcome checks that after the welcome nothing was sent, and why.
func (s *scenario) onlyTheWelcome(id string, why trial.Reason) {
	s.t.Helper()
	require.Equal(s.t, []string{"welcome/0"}, s.mails(id))
	all := reasons(s.known(id).Trial)
	require.Equal(s.t, trial.ReasonDue, all[trial.Welcome])
	delete(all, trial.Welcome)
	for kind, reason := range all {
		require.Equal(s.t, why, reason, kind)
	}
	require.Len(s.t, all, len(whole)-1)
}

func TestAnUnknownSendIsSettledByItsEvent(t *testing.T) {
	s := begin(t, system.Options{Day: 2 * day})
	id := s.vendor("maria")
	require.NoError(t, s.Fault(s.ctx, map[string]any{"kind": "hangup", "count": 1, "match": id}))
	s.register(id)
	s.awaitStatus(wholeLife, id, trial.Expired)
	require.Equal(t, whole, s.mails(id))
	doc := s.send(id + "/welcome/0")
	require.NotNil(t, doc.Sent)
	require.Equal(t, 1, doc.Attempt.Number)
	require.Zero(t, doc.Attempt.Resends)
}

func TestThrottlingIsWaitedOut(t *testing.T) {
	s := begin(t, system.Options{Day: time.Hour}) // no step comes before the welcome has waited
	id := s.vendor("nuno")
	require.NoError(t, s.Fault(s.ctx, map[string]any{"kind": "throttle", "count": 2, "match": id}))
	s.register(id)
	s.awaitMail(soon, id, "welcome/0")
	var doc sent
	eventually(t, soon, func() error {
		if doc = s.send(id + "/welcome/0"); doc.Sent == nil {
			return errors.New("it has not gone")
		}
		return nil
	})
	require.Equal(t, []string{"welcome/0"}, s.mails(id))
	require.Equal(t, 3, doc.Attempt.Number, "two refusals, then it went")
	require.Zero(t, doc.Attempt.Resends, "each refusal was definite")
}
