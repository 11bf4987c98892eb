package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/adapters/ses"
	"marketplace.example/trials/internal/domain/trial"
	"marketplace.example/trials/internal/platform/config"
)

func TestTheKeyOfAnEMail(t *testing.T) {
	t.Parallel()
	vendor, kind, revision, err := sendKey("v-1001/reminder-3d/2")
	require.NoError(t, err)
	require.Equal(t, []any{"v-1001", "reminder-3d", 2}, []any{vendor, kind, revision})
	for _, bad := range []string{"", "v-1001", "v-1001/welcome", "v-1001/welcome/x", "v-1001/welcome/0/1", "/welcome/0", "v-1001//0", "ä/welcome/0"} {
		_, _, _, err := sendKey(bad)
		require.ErrorContains(t, err, "v-1001/welcome/0", bad)
	}
}

func TestAnEMailIsShownAsItWasSent(t *testing.T) {
	t.Parallel()
	mail, err := config.Config{}.Mail()
	require.NoError(t, err)
	c := ses.Content{Kind: "reminder", Words: mail.Words, VendorName: "Ada's Tools", DaysLeft: 3, GraceDays: 3, LengthDays: 3, EndsAt: present}
	version, _ := ses.VersionOf(c)
	hash, content, err := version.Encoded()
	require.NoError(t, err)
	fields, settled := c.Fields(), present.Add(-time.Hour)
	w := newWorld(t)
	w.MailVersions[hash] = content
	const key = "v-1/reminder-3d/0"
	w.Sends[key] = trial.Send{Key: key, VendorID: "v-1", Status: trial.SendSent, SettledAt: &settled, Template: hash, Fields: &fields}
	got := w.run(t, "mail", "show", key)
	require.Zero(t, got.code, got.err)
	golden(t, "mail-show", got.out)
	require.Contains(t, w.run(t, "mail", "show", key, "--html").out, "<!DOCTYPE html>")

	w.Sends[key] = trial.Send{Key: key, VendorID: "v-1", Status: trial.SendRefused}
	got = w.run(t, "mail", "show", key)
	require.Equal(t, 1, got.code)
	require.Contains(t, got.err, "This e-mail was not sent: its status is refused.")
	require.Equal(t, 2, w.run(t, "mail", "show", "v-1").code)
	require.Contains(t, w.run(t, "mail", "show", "v-1/welcome/0").err, "there is no e-mail v-1/welcome/0")
}

func TestAPreviewIsSent(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, result{0, "It is on its way: [Preview] Votre période d’essai se termine dans 3 jours\n", ""}, w.run(t, "mail", "send", "reminder-3d", "--language", "fr", "--timezone", "Europe/Paris", "--to", "po@shop.example"))
	got := w.run(t, "mail", "send", "welcome", "--to", "vendor@shop.example")
	require.Equal(t, 1, got.code)
	require.Contains(t, got.err, "to: must be the address of a stakeholder")
	require.Equal(t, 2, w.run(t, "mail", "send", "welcome").code)
	require.Equal(t, 2, w.run(t, "mail", "send", "--to", "po@shop.example").code)
}
