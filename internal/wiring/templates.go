package wiring

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/platform/config"
)

// TemplatesEvery is how often a process looks whether what e-mails look like and say has changed.
const TemplatesEvery = time.Minute

// Templates are what e-mails to vendors, and the pages for them, look like and say. They may change while a process runs.
type Templates struct {
	read func() (config.Mail, error)
	log  *zap.Logger
	good atomic.Pointer[config.Mail]
	// reading is held while they are read.
	reading sync.Mutex
	// fault is what is wrong with those that have come since; an error of nil for nothing.
	fault atomic.Pointer[fault]
}

// NewTemplates reads the templates, which must be without fault.
func NewTemplates(read func() (config.Mail, error), log *zap.Logger) (*Templates, error) {
	t := &Templates{read: read, log: log}
	mail, err := read()
	t.good.Store(&mail)
	t.fault.Store(&fault{})
	return t, err
}

// Current are the last ones without fault.
func (t *Templates) Current() config.Mail { return *t.good.Load() }

// Fault says briefly why the current templates are not those of the operator, for health; empty if they are.
func (t *Templates) Fault() string { return t.fault.Load().brief }

// Faults are all that is wrong with the operator's templates; nil for nothing.
func (t *Templates) Faults() error { return t.fault.Load().err }

// fault is what is wrong, in brief and whole.
type fault struct {
	brief string
	err   error
}

// Reload takes what the templates have become, unless something is wrong with them.
func (t *Templates) Reload(context.Context) error {
	t.reading.Lock() // a slower reader would bring older ones back
	defer t.reading.Unlock()
	mail, err := t.read()
	if err != nil {
		if now := (fault{brief(err), err}); t.fault.Swap(&now).brief != now.brief {
			t.log.Error("MAIL_TEMPLATES has changed and is wrong: what it was before stays in use", zap.Error(err))
		}
		return nil
	}
	t.fault.Store(&fault{})
	if before := t.Current().Version; mail.Version != before {
		t.good.Store(&mail)
		t.log.Info("changed templates are in use", zap.String("before", before), zap.String("now", mail.Version))
	}
	return nil
}

// mostFault is how many letters of a fault are kept in each sample of the process.
const mostFault = 300

// brief is the first line of an error, and how many there are.
func brief(err error) string {
	first, rest, more := strings.Cut(err.Error(), "\n")
	if letters := []rune(first); len(letters) > mostFault {
		first = string(letters[:mostFault-1]) + "…"
	}
	if more {
		first += fmt.Sprintf(" (and %d more)", 1+strings.Count(rest, "\n"))
	}
	return first
}
