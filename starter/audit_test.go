package main

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"marketplace.example/trials/internal/domain/audit"
)

// onRecord is a short audit record.
func onRecord() []audit.Entry {
	var all []audit.Entry
	var last audit.Entry
	for i, e := range []audit.Entry{
		{Actor: "admin", Action: "extendTrial", Subject: "trials/v-1", Reason: "asked for more", Outcome: audit.Pending, Asked: `{"days":7}`},
		{Actor: "admin", Action: "extendTrial", Subject: "trials/v-1", Reason: "asked for more", Outcome: audit.Done, Settles: 1, Asked: `{"days":7}`},
		{Actor: "rollout", Action: "rollout/entered", Subject: "rollouts/r-1", Reason: "Entered 10 %", Outcome: audit.Done},
		{Actor: "eve\x1b[2J", Action: "cancelTrial", Subject: "trials/v-2", Reason: "by mistake", Outcome: audit.Pending},
		{Actor: "eve\x1b[2J", Action: "cancelTrial", Subject: "trials/v-2", Reason: "by mistake", Outcome: audit.Refused, Settles: 4, Detail: "the trial is over"},
		{Actor: "ada", Action: "setRollout", Subject: "feature-flags/trial-automation/rollout", Outcome: audit.Pending},
	} {
		e.At = present.Add(time.Duration(i) * time.Second)
		last = audit.Next(last, e)
		all = append(all, last)
	}
	return all
}

func TestAuditList(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	require.Equal(t, result{0, "No entry matches.\n", ""}, w.run(t, "audit", "list"))
	w.Record = onRecord()
	golden(t, "audit-list", w.run(t, "audit", "list").out)
	page := w.run(t, "audit", "list", "--subject", "trials", "--limit", "2")
	require.Contains(t, page.out, "There is more: --cursor 4\n")
	require.NotContains(t, page.out, "rollout/entered")
	refused := w.run(t, "audit", "list", "--outcome", "refused").out
	require.Contains(t, refused, "the trial is over")
	require.NotContains(t, refused, "asked for more")
	require.Equal(t, w.ask(t, "/api/admin/audit?limit=50&actor=rollout")+"\n", w.run(t, "audit", "list", "--actor", "rollout", "--json").out)
}

func TestWhatAWholeRecordComesTo(t *testing.T) {
	t.Parallel()
	said := func(json bool, entries ...audit.Entry) string {
		var out bytes.Buffer
		a := app{out: &out, options: globalOptions{json: json}}
		var v audit.Verifier
		for _, e := range entries {
			require.NoError(t, v.Verify(e.Seq, e))
		}
		require.NoError(t, a.printVerified(&v))
		return out.String()
	}
	all := onRecord()
	hash := all[5].Hash
	require.Equal(t, "Nothing is on record yet.\n", said(false))
	require.Equal(t, "The chain is whole: 6 entries.\nNobody has noted what became of [6]: see them in the list, and the log of their requests.\n"+
		"Keep this elsewhere, for the next check: --known 6:"+hash+"\n", said(false, all...))
	require.Equal(t, `{"entries":6,"hash":"`+hash+`","pending":[6]}`+"\n", said(true, all...))
	require.JSONEq(t, `{"entries":0,"hash":"","pending":[]}`, said(true))
}

func TestWrongUseOfAuditCommands(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for message, args := range map[string][]string{
		"--limit: must be 1 to 500, is 501":       {"list", "--limit", "501"},
		`--from: "today" is not a moment like`:    {"list", "--from", "today"},
		"--outcome: must be pending, done":        {"list", "--outcome", "good"},
		`--to: "2026-03-10" is not a moment like`: {"list", "--to", "2026-03-10"},
		"--known: must be an entry's number":      {"verify", "--known", "7:" + strings.Repeat("A", 64)},
		"MONGODB_URI":                             {"verify"},
		"say which command of \"starter audit\"":  {},
	} {
		r := w.run(t, append([]string{"audit"}, args...)...)
		require.Equal(t, exitUsage, r.code, args)
		require.Contains(t, r.err, message)
	}
}
