package fakeapi

import (
	"context"
	"sync"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/platform/config"
	"marketplace.example/trials/internal/wiring"
)

// mails renders e-mails with the neutral brand and the built-in words.
var mails = sync.OnceValue(func() wiring.Mails {
	templates, err := wiring.NewTemplates(config.Config{}.Mail, zap.NewNop())
	if err != nil {
		panic(err) // they are built in
	}
	return wiring.Mails{Templates: templates}
})

// StartPreview implements app.Previews: nothing is sent.
func (*backend) StartPreview(context.Context, notice.Preview) error { return nil }
