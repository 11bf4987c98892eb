package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
	"marketplace.example/trials/internal/adapters/mongodb"
	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/evidence"
)

func (a *app) audit() *cobra.Command {
	group := &cobra.Command{
		Use: "audit", Short: "See who changed what and why, and check that the record is whole",
		Example: examples("starter audit list --subject trials/v-1001", "starter audit verify"),
	}
	group.AddCommand(a.auditList(), a.auditVerify())
	return group
}

// auditQuery selects entries.
type auditQuery struct {
	actor, action, subject, outcome, from, to, cursor string
	limit                                             int
}

func (a *app) auditList() *cobra.Command {
	var q auditQuery
	command := &cobra.Command{
		Use: "list", Short: "Show what was changed, by whom and why, latest first", Args: cobra.NoArgs,
		Long: "Shows what was changed, by whom and why, latest first. What somebody asked for has two entries: a pending\n" +
			"one from before it was tried, and one that settles it. --json shows also how things were before and after.",
		Example: examples(
			"starter audit list",
			"starter audit list --actor admin --from 2026-03-10T00:00:00Z",
			"starter audit list --subject rollouts --limit 200 --json",
		),
	}
	flags := command.Flags()
	flags.StringVar(&q.actor, "actor", "", "only what this one did")
	flags.StringVar(&q.action, "action", "", "only this action, such as extendTrial or rollout/entered")
	flags.StringVar(&q.subject, "subject", "", "only what was done to this, or to what lies below it, such as trials/v-1001 or rollouts")
	flags.StringVar(&q.outcome, "outcome", "", "only what came to this: pending, done, refused or failed")
	flags.StringVar(&q.from, "from", "", "only from this moment on, such as 2026-03-12T08:00:00Z")
	flags.StringVar(&q.to, "to", "", "only before this moment")
	flags.StringVar(&q.cursor, "cursor", "", "go on where a page has ended")
	flags.IntVar(&q.limit, "limit", 50, "how many entries, 1 to 500")
	command.RunE = func(c *cobra.Command, _ []string) error {
		params, err := q.params()
		if err != nil {
			return err
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) { return api.ListAudit(c.Context(), &params) }, a.printAudit)
	}
	return command
}

func (q auditQuery) params() (client.ListAuditParams, error) {
	p := client.ListAuditParams{Limit: &q.limit}
	if err := checkRange("limit", q.limit, 500); err != nil {
		return p, err
	}
	for _, word := range []struct {
		given string
		param **string
	}{{q.actor, &p.Actor}, {q.action, &p.Action}, {q.subject, &p.Subject}, {q.cursor, &p.Cursor}} {
		if word.given != "" {
			*word.param = &word.given
		}
	}
	if q.outcome != "" {
		p.Outcome = new(audit.Outcome(q.outcome))
		if !slices.Contains(audit.Outcomes(), *p.Outcome) {
			return p, usagef("--outcome: must be pending, done, refused or failed")
		}
	}
	var err error
	if p.From, err = parseTime("from", q.from); err != nil {
		return p, err
	}
	p.To, err = parseTime("to", q.to)
	return p, err
}

func (a *app) printAudit(page client.AuditPage) error {
	if len(page.Entries) == 0 {
		a.printf("No entry matches.\n")
		return nil
	}
	t := table{header: []string{"", "WHEN", "WHO", "WHAT", "TO", "OUTCOME", "WHY"}}
	for _, e := range page.Entries {
		became := string(e.Outcome)
		if e.Settles > 0 {
			became += fmt.Sprintf(" (%d)", e.Settles)
		}
		if e.Detail != "" {
			became += ": " + e.Detail
		}
		t.row(strconv.Itoa(e.Seq), e.At.UTC().Format(clock), e.Actor, e.Action, e.Subject, became, e.Reason)
	}
	if err := t.write(a.out); err != nil {
		return err
	}
	if page.NextCursor != "" {
		a.printf("\nThere is more: --cursor %s\n", printable(page.NextCursor))
	}
	return nil
}

func (a *app) auditVerify() *cobra.Command {
	var known, uri string
	command := &cobra.Command{
		Use: "verify", Short: "Check that no entry of the audit record was altered, taken out or moved", Args: cobra.NoArgs,
		Long: "Follows the chain of hashes through the whole audit record, and names the first link that does not hold;\n" +
			"then the exit code is 1. With --known it also sees whether the end was cut off or rewritten: give what an\n" +
			"earlier run printed, or an \"entry\" and its \"hash\" from the log of the API or of a worker.\n\n" +
			"Reads MongoDB itself and changes nothing there. Takes MONGODB_URI (or MONGODB_URI_FILE) and\n" +
			"MONGODB_DATABASE from the environment.",
		Example: examples("starter audit verify", "starter audit verify --known 1234:5f0c…"),
	}
	flags := command.Flags()
	flags.StringVar(&known, "known", "", "an entry that must be there as it was: NUMBER:HASH")
	flags.StringVar(&uri, "mongodb", "", "the connection string of MongoDB (default MONGODB_URI)")
	command.RunE = func(c *cobra.Command, _ []string) error {
		mark, err := markOf(known)
		if err != nil {
			return err
		}
		return a.verifyAudit(c.Context(), mark, uri)
	}
	return command
}

var markPattern = regexp.MustCompile(`^([1-9]\d{0,11}):([0-9a-f]{64})$`)

// markOf is the entry in a flag, the zero Mark for none.
func markOf(given string) (audit.Mark, error) {
	if given == "" {
		return audit.Mark{}, nil
	}
	parts := markPattern.FindStringSubmatch(given)
	if parts == nil {
		return audit.Mark{}, usagef("--known: must be an entry's number, a colon, and its hash of 64 hexadecimal digits")
	}
	seq, err := strconv.Atoi(parts[1])
	return audit.Mark{Seq: seq, Hash: parts[2]}, err
}

func (a *app) verifyAudit(ctx context.Context, known audit.Mark, uri string) error {
	settings, err := a.storeConfig(uri)
	if err != nil {
		return err
	}
	return withStore(ctx, settings, func(store *mongodb.Store) error {
		verifier := &audit.Verifier{Known: known}
		err := store.VerifyAudit(ctx, verifier)
		if _, broken := errors.AsType[*audit.Break](err); broken {
			return fmt.Errorf("%w; the %s whole. The troubleshooting guide says what to do",
				err, evidence.Counted(verifier.Last().Seq, "entry before it is", "entries before it are"))
		}
		if err != nil {
			return err
		}
		return a.printVerified(verifier)
	})
}

// verification is the result for an intact record.
type verification struct {
	Entries int    `json:"entries"`
	Hash    string `json:"hash"`
	// Pending are the entries whose outcome was never recorded.
	Pending []int `json:"pending"`
}

func (a *app) printVerified(v *audit.Verifier) error {
	result := verification{Entries: v.Last().Seq, Hash: v.Last().Hash, Pending: append([]int{}, v.Pending()...)}
	if a.options.json {
		return a.printValue(result)
	}
	if result.Entries == 0 {
		a.printf("Nothing is on record yet.\n")
		return nil
	}
	a.printf("The chain is whole: %s.\n", evidence.Counted(result.Entries, "entry", "entries"))
	if len(result.Pending) > 0 {
		a.printf("Nobody has noted what became of %v: see them in the list, and the log of their requests.\n", result.Pending)
	}
	a.printf("Keep this elsewhere, for the next check: --known %d:%s\n", result.Entries, result.Hash)
	return nil
}
