package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"marketplace.example/trials/internal/domain/audit"
	"marketplace.example/trials/internal/domain/bulk"
	"marketplace.example/trials/internal/domain/flags"
	"marketplace.example/trials/internal/domain/idempotency"
	"marketplace.example/trials/internal/domain/trial"
)

// ItemReader is what an item of a bulk operation is decided on.
type ItemReader interface {
	VendorReader
	TrialReader
	// Sends are all e-mails to a vendor.
	Sends(ctx context.Context, vendorID string) ([]trial.Send, error)
	// Bulk returns an operation; one that does not exist is a *trial.Error with trial.CodeNotFound.
	Bulk(ctx context.Context, id string) (bulk.Operation, bulk.State, error)
}

// ItemFacts reads the facts on which an item of a bulk operation is decided.
func ItemFacts(ctx context.Context, from ItemReader, o bulk.Operation, vendorID string, current flags.Flags, now time.Time) (f bulk.ItemFacts, err error) {
	f = bulk.ItemFacts{Now: now, EmailReminders: current.TrialAutomation.EmailReminders}
	if f.Trial, f.Found, err = from.Trial(ctx, vendorID); err != nil || !f.Found {
		return f, err
	}
	if o.Action != bulk.Convert && !o.Action.Resends() {
		return f, nil
	}
	f.Vendor, err = from.Vendor(ctx, vendorID)
	if e, ok := errors.AsType[*trial.Error](err); ok && e.Code == trial.CodeNotFound {
		f.Found, err = false, nil // the marketplace has deleted the vendor
	}
	if err != nil || !f.Found || !o.Action.Resends() {
		return f, err
	}
	f.NoMail = f.Vendor.NoMail()
	sends, err := from.Sends(ctx, vendorID)
	if o.Email != nil {
		f.Send = sendOf(sends, o.Email.Key(vendorID))
	}
	if err == nil {
		f.Repetitions, err = repetitions(ctx, from, o, sends)
	}
	return f, err
}

// repetitions are the e-mails by which other operations have sent one again since an operation was asked for.
func repetitions(ctx context.Context, from ItemReader, o bulk.Operation, sends []trial.Send) (all []bulk.Repetition, err error) {
	for _, s := range sends {
		if !o.Overlaps(s) {
			continue
		}
		by, _, err := from.Bulk(ctx, bulk.ResentBy(s))
		if err != nil && trial.CodeOf(err) != trial.CodeNotFound {
			return nil, err
		}
		all = append(all, bulk.Repetition{Email: by.Email, At: s.ClaimedAt})
	}
	return all, nil
}

// Resent is one time that an e-mail was sent again, or was to be.
type Resent struct {
	// Part is the trial's in the operation that does it. One whose Email is nil sends the last e-mail that is due by then.
	bulk.Part
	// Send is the e-mail's record; nil before it is claimed.
	Send *trial.Send
	// UnderWay says that its operation will send it, now or once it is resumed after a pause.
	UnderWay bool
}

// ResendLook is what is to be known of an e-mail before it is sent again.
type ResendLook struct {
	Vendor trial.Vendor
	Trial  trial.State
	Email  bulk.Email
	// Send is the e-mail's own record, nil where only the address prevented it.
	Send *trial.Send
	// Again are the times that it was sent again, or was to be, the first first.
	Again []Resent
	// Refusal is why it cannot be sent again now, nil where it can.
	Refusal *trial.Error
	// Mark stands for all of this: where it is another than was shown, something has changed.
	Mark string
}

// LastSent is when the e-mail was last handed to the mail service; nil for never.
func (l ResendLook) LastSent() *time.Time {
	var last *time.Time
	latest := func(s *trial.Send) {
		if s != nil && s.Status == trial.SendSent && (last == nil || s.ClaimedAt.After(*last)) {
			last = &s.ClaimedAt
		}
	}
	latest(l.Send)
	for _, again := range l.Again {
		if again.Email != nil {
			latest(again.Send)
		}
	}
	return last
}

// TrialEmail is an e-mail to a vendor, as lists of a trial's e-mails have it.
type TrialEmail struct {
	trial.Send
	// ResentBy is the operation that sent an e-mail again with this one, empty for a step's own; Of is which, nil where that is
	// the last that was due then.
	ResentBy string
	Of       *bulk.Email
}

// TrialEmails are all e-mails to a vendor, the latest attempt first.
func (a *App) TrialEmails(ctx context.Context, vendorID string) ([]TrialEmail, error) {
	sends, err := a.Store.Sends(ctx, vendorID)
	if err != nil {
		return nil, err
	}
	emails := make([]TrialEmail, 0, len(sends))
	for _, s := range sends {
		e := TrialEmail{Send: s, ResentBy: bulk.ResentBy(s)}
		if e.ResentBy != "" {
			o, _, err := a.Store.Bulk(ctx, e.ResentBy)
			if err != nil && trial.CodeOf(err) != trial.CodeNotFound {
				return nil, err
			}
			e.Of = o.Email
		}
		emails = append(emails, e)
	}
	slices.SortStableFunc(emails, func(a, b TrialEmail) int { return b.ClaimedAt.Compare(a.ClaimedAt) })
	return emails, nil
}

// LookAtEmail says what is to be known of an e-mail before it is sent again. An unknown one is a *trial.Error with
// trial.CodeNotFound.
func (a *App) LookAtEmail(ctx context.Context, vendorID string, e bulk.Email) (ResendLook, error) {
	shown := ResendLook{Email: e}
	doc, err := a.Store.Flags(ctx)
	if err != nil {
		return shown, err
	}
	if _, err = a.Store.Vendor(ctx, vendorID); err != nil { // else it would be told from a trial that is none
		return shown, err
	}
	o := bulk.ResendOf(e, "")
	o.AskedAt = a.Present()
	facts, err := ItemFacts(ctx, a.Store, o, vendorID, doc.FeatureFlags, o.AskedAt)
	if err != nil {
		return shown, err
	}
	shown.Vendor, shown.Trial = facts.Vendor, facts.Trial
	sends, err := a.Store.Sends(ctx, vendorID)
	if err != nil {
		return shown, err
	}
	shown.Send = sendOf(sends, e.Key(vendorID))
	stepped := slices.ContainsFunc(shown.Trial.Steps, func(r trial.StepRecord) bool {
		return r.Step.Kind == e.Kind && r.Step.Revision == e.Revision
	})
	if shown.Send == nil && !stepped {
		return shown, &trial.Error{Code: trial.CodeNotFound, Message: "there is no e-mail " + e.Key(vendorID)}
	}
	if shown.Again, err = a.resent(ctx, vendorID, sends, e); err != nil {
		return shown, err
	}
	shown.Refusal = shown.refusal(o.Decide(bulk.Item{VendorID: vendorID}, facts), o.Against(doc.FeatureFlags))
	shown.Mark = shown.mark(sends)
	return shown, nil
}

// refusal is why the e-mail cannot be sent again, by the decision on it and the flag against it.
func (l ResendLook) refusal(d bulk.Decision, flag string) *trial.Error {
	if refusal := d.ResendRefusal(); refusal != nil {
		return refusal
	}
	for _, again := range l.Again {
		switch {
		case again.UnderWay && again.Email == nil:
			return trial.Conflict("the last e-mail of many trials is being sent again, this trial's among them: the operation %s is not over", again.OperationID)
		case again.UnderWay:
			return trial.Conflict("it is being sent again already: the operation %s is not over", again.OperationID)
		}
	}
	if flag != "" {
		return switchedOff(flag)
	}
	return nil
}

// resent are the times that an e-mail was sent again, or may have been, the first first.
func (a *App) resent(ctx context.Context, vendorID string, sends []trial.Send, e bulk.Email) ([]Resent, error) {
	parts, err := a.Store.BulkParts(ctx, vendorID)
	if err != nil {
		return nil, err
	}
	var all []Resent
	for _, part := range parts {
		if !part.Action.Resends() || part.Email != nil && *part.Email != e {
			continue
		}
		again := Resent{Part: part, Send: sendOf(sends, bulk.Email{Kind: bulk.Operation{ID: part.OperationID}.ResendKind()}.Key(vendorID))}
		if part.Item.Open() {
			o, state, err := a.Store.Bulk(ctx, part.OperationID)
			if err != nil && trial.CodeOf(err) != trial.CodeNotFound {
				return nil, err
			}
			again.UnderWay = err == nil && state.WillCarryOut(o, part.Item)
		}
		all = append(all, again)
	}
	return all, nil
}

func sendOf(sends []trial.Send, key string) *trial.Send {
	i := slices.IndexFunc(sends, func(s trial.Send) bool { return s.Key == key })
	if i < 0 {
		return nil
	}
	return &sends[i]
}

// mark is over all that a person decides on: which e-mail, the trial, the address and what stops it, and each attempt at an e-mail.
func (l ResendLook) mark(sends []trial.Send) string {
	sum := sha256.New()
	fmt.Fprintln(sum, l.Email.Key(l.Vendor.ID), l.Trial.Status, l.Trial.Revision, l.Trial.ConvertedAt != nil, l.Vendor.StopMark())
	for _, s := range sends {
		fmt.Fprintln(sum, s.Key, s.Attempt, s.Status)
	}
	for _, again := range l.Again {
		fmt.Fprintln(sum, again.OperationID, again.Item.Result != nil)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// ResendOrder asks to send one e-mail of a trial again.
type ResendOrder struct {
	VendorID string
	Email    bulk.Email
	Reason   string
	// Seen is the ResendLook's Mark that was shown; empty for however things are.
	Seen string
}

// ResendEmail sends one e-mail of a trial again, once a key: it begins a bulk operation of that one trial, which does it. What does
// not apply is a *trial.Error.
func (a *App) ResendEmail(ctx context.Context, o ResendOrder) (bulk.View, error) {
	operation, list := bulk.ResendOf(o.Email, o.Reason), []bulk.Listing{{VendorID: o.VendorID}}
	_, _, err := a.Store.Bulk(ctx, bulkID(ctx))
	if err == nil { // begun before: what it finds by now it has done itself
		return a.StartBulk(ctx, operation, list)
	}
	if trial.CodeOf(err) != trial.CodeNotFound {
		return bulk.View{}, err
	}
	endTurn, err := a.resendTurn(ctx, o.Email.Key(o.VendorID))
	if err != nil {
		return bulk.View{}, err
	}
	defer endTurn()
	shown, err := a.LookAtEmail(ctx, o.VendorID, o.Email)
	switch {
	case err != nil:
		return bulk.View{}, err
	case o.Seen != "" && o.Seen != shown.Mark:
		return bulk.View{}, trial.Conflict("the trial, its e-mails or what stops them have changed since this was shown: look again")
	case shown.Refusal != nil:
		return bulk.View{}, shown.Refusal
	}
	return a.StartBulk(ctx, operation, list)
}

// resendPatience is how long a request for a resend may take. One that has taken longer has died before it could end its turn.
const resendPatience = time.Minute

// resendTurn lets only one request at a time look at an e-mail and store the operation that sends it again; the next finds that
// stored. The turn ends with the request, whatever comes of it, so that a failed attempt is in nobody's way.
func (a *App) resendTurn(ctx context.Context, email string) (end func(), err error) {
	key := "resend " + email // with a blank, which no caller's key has
	mine := idempotency.Claim{Request: bulkID(ctx), At: a.Present()}
	for {
		first, _, err := a.Store.ClaimKey(ctx, key, mine)
		switch {
		case err != nil:
			return nil, err
		case first.Request == mine.Request:
			return func() { a.settleKey(ctx, key, mine, false) }, nil
		case mine.At.Sub(first.At) < resendPatience:
			return nil, trial.Conflict("another request to send it again is under way: look again in a minute")
		}
		if err := a.Store.SettleKey(ctx, key, first, false); err != nil {
			return nil, err
		}
	}
}

// ResendEmailRecorded is ResendEmail with an entry on the audit record, under a key.
func (a *App) ResendEmailRecorded(ctx context.Context, key string, o ResendOrder) (v bulk.View, err error) {
	if err := checkReason(o.Reason); err != nil {
		return v, err
	}
	asked := audit.Entry{
		Action: "resendEmail", Subject: fmt.Sprintf("trials/%s/emails/%s/%d", o.VendorID, o.Email.Kind, o.Email.Revision), Reason: o.Reason, Key: key,
	}
	vendor, err := a.Store.Vendor(ctx, o.VendorID)
	if err != nil {
		return v, err
	}
	if err := CheckNamesNobody(asked, []trial.Vendor{vendor}); err != nil {
		return v, err
	}
	body := struct{ Reason string }{o.Reason} // a repetition may have seen what it has done
	err = a.Record(ctx, asked, body, func(ctx context.Context) (err error) {
		v, err = a.ResendEmail(ctx, o)
		return err
	})
	return v, err
}
