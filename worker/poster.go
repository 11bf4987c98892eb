package main

import (
	"context"

	"marketplace.example/trials/activities"
	"marketplace.example/trials/internal/adapters/webhook"
	"marketplace.example/trials/internal/domain/trial"
)

// poster lets the activities post to webhooks.
type poster struct{ client *webhook.Client }

// Post implements activities.Poster.
func (p poster) Post(ctx context.Context, address, key string, body []byte) activities.Delivery {
	outcome := p.client.Post(ctx, address, key, body)
	return activities.Delivery{Status: postStatus(outcome.Status), Reason: outcome.Reason, RetryAfter: outcome.RetryAfter}
}

func postStatus(s webhook.Status) trial.SendStatus {
	switch s {
	case webhook.Accepted:
		return trial.SendSent
	case webhook.Refused:
		return trial.SendRefused
	case webhook.Deferred:
		return trial.SendReleased
	case webhook.Unknown:
	}
	return trial.SendUnknown
}
