package activities

import (
	"context"
	"errors"
	"slices"

	"marketplace.example/trials/internal/domain/notice"
)

// Together says how to send related messages.
type Together struct {
	// Mail false leaves the e-mails to a later call. Webhooks are always called.
	Mail bool
	// Join joins several messages to one, for an e-mail.
	Join func([]notice.Message) notice.Message
}

// audience is a recipient and its messages, each with a key of its own.
type audience struct {
	notice.Recipient
	messages []notice.Message
	keys     []string
}

// NoticeGroups notifies stakeholders of related messages. It is a type of its own because all methods of Notices are activities.
type NoticeGroups struct{ Notices *Notices }

// NotifyTogether notifies everybody whom the messages concern, each once: a webhook of each message, a person by one e-mail of all
// that are new to that person. It returns by key why a message has not reached everybody yet; the next call is for those only.
func (g NoticeGroups) NotifyTogether(ctx context.Context, messages []notice.Message, how Together) map[string]error {
	n := g.Notices
	failures := map[string]error{}
	note := func(err error, messages ...notice.Message) {
		for _, m := range messages {
			if err != nil {
				failures[m.Key] = err
			}
		}
	}
	for _, a := range n.audiences(messages) {
		switch {
		case a.Webhook:
			for i, m := range a.messages {
				note(n.notifyAs(ctx, a.keys[i], m, a.Recipient), m)
			}
		case how.Mail:
			note(n.mailTogether(ctx, a, how.Join), a.messages...)
		}
	}
	return failures
}

// audiences are the recipients of messages, each once.
func (n *Notices) audiences(messages []notice.Message) []*audience {
	var all []*audience
	for _, m := range messages {
		for _, r := range notice.Recipients(n.Stakeholders, m.Roles()) {
			i := slices.IndexFunc(all, func(a *audience) bool { return a.Same(r) })
			if i < 0 {
				i, all = len(all), append(all, &audience{Recipient: r})
			}
			all[i].messages, all[i].keys = append(all[i].messages, m), append(all[i].keys, m.Key+"/"+r.ID)
		}
	}
	return all
}

// mailTogether claims each message by itself, so that nobody is notified of one twice. An error is temporary.
func (n *Notices) mailTogether(ctx context.Context, a *audience, join func([]notice.Message) notice.Message) error {
	if _, err := n.Mailer.Wait(ctx); err != nil {
		return err
	}
	var errs []error
	var claimed []notice.Message
	var keys []string
	for i, key := range a.keys {
		switch is, err := n.Store.ClaimNotice(ctx, key, n.Now()); {
		case err != nil:
			errs = append(errs, failed("claiming the notice", err))
		case is:
			claimed, keys = append(claimed, a.messages[i]), append(keys, key)
		default:
			errs = append(errs, n.triedBefore(ctx, key))
		}
	}
	if len(claimed) == 0 {
		return errors.Join(errs...)
	}
	joined := join(claimed)
	delivery := n.deliver(ctx, joined, a.Recipient, joined.Key+"/"+a.ID)
	for _, key := range keys {
		errs = append(errs, n.settle(ctx, key, delivery))
	}
	return errors.Join(errs...)
}
