package test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.mongodb.org/mongo-driver/v2/bson"

	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/test/system"
)

// suppressed are the rows of the list of suppressions, by vendor.
func (s *scenario) suppressed() map[string]trial.SuppressedVendor {
	s.t.Helper()
	a, err := s.Admin(s.ctx, http.MethodGet, "/api/admin/suppressions?limit=500", nil)
	s.answered(http.StatusOK, a, err)
	var page struct{ Suppressions []trial.SuppressedVendor }
	require.NoError(s.t, a.Into(&page))
	rows := map[string]trial.SuppressedVendor{}
	for _, row := range page.Suppressions {
		rows[row.VendorID] = row
	}
	return rows
}

// awaitSuppressed waits until a vendor is listed with a cause.
func (s *scenario) awaitSuppressed(id string, cause trial.Cause) (row trial.SuppressedVendor) {
	s.t.Helper()
	eventually(s.t, soon, func() error {
		var listed bool
		if row, listed = s.suppressed()[id]; !listed || row.Cause != cause {
			return fmt.Errorf("%s is not listed as %s: %+v", id, cause, row)
		}
		return nil
	})
	return row
}

// An address bounces and is lifted: the next e-mail goes out, and as it bounces too, it is the last. What a vendor wants nobody
// lifts. A document that the marketplace replaces changes nothing.
func TestABounceIsLifted(t *testing.T) {
	s := begin(t, system.Options{Day: 4 * day})
	bounces, leaves := s.vendor("ines"), s.vendor("joao")
	address := bounces + "+bounce@vendors.example.com"
	s.registerAt(bounces, address)
	s.register(leaves)
	first := s.awaitSuppressed(bounces, trial.CauseBounce)
	require.Empty(t, first.Refusal)
	require.Contains(t, s.starter("suppression", "list", "--cause", "bounce"), bounces)
	require.Contains(t, s.starter("suppression", "lift", bounces, "--reason", "The mailbox was full"), "Nothing stops e-mail to "+bounces)
	require.NotContains(t, s.suppressed(), bounces)

	link, err := url.Parse(strings.Trim(s.awaitMail(soon, leaves, "welcome/0").Headers["List-Unsubscribe"], "<>"))
	require.NoError(t, err)
	a, err := system.Call(s.ctx, http.MethodPost, s.API+link.Path, "", []byte("List-Unsubscribe=One-Click"), http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
	s.answered(http.StatusOK, a, err)
	require.NotEmpty(t, s.awaitSuppressed(leaves, trial.CauseUnsubscribed).Refusal)
	_, err = s.Starter(s.ctx, "suppression", "lift", leaves, "--reason", "Asked by support")
	require.ErrorContains(t, err, "the vendor has unsubscribed")

	s.awaitMail(soon, bounces, "reminder-7d/0")
	again := s.awaitSuppressed(bounces, trial.CauseBounce)
	require.True(t, again.At.After(first.At), "since the new bounce")
	for id, to := range map[string]string{bounces: address, leaves: email(leaves)} {
		_, err := s.database.Collection("users").ReplaceOne(s.ctx, bson.M{"_id": id}, bson.M{"isVendor": true, "email": to, "name": "Shop"})
		require.NoError(t, err)
	}
	require.Equal(t, again, s.suppressed()[bounces])
	require.Contains(t, s.suppressed(), leaves)
	eventually(t, wholeLife, func() error {
		if reasons(s.known(bounces).Trial)[trial.Reminder(3)] != trial.ReasonSuppressedAddress {
			return errors.New("the reminder of three days has not been skipped")
		}
		return nil
	})
	require.Equal(t, []string{"welcome/0", "reminder-7d/0"}, s.mails(bounces))
	require.Equal(t, []string{"welcome/0"}, s.mails(leaves))
}
