package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"marketplace.example/trials/internal/domain/access"
	"marketplace.example/trials/internal/domain/experiment"
	"marketplace.example/trials/internal/domain/lanes"
	"marketplace.example/trials/internal/domain/monitoring"
	"marketplace.example/trials/internal/domain/notice"
	"marketplace.example/trials/internal/domain/policy"
	"marketplace.example/trials/internal/domain/rollout"
)

// Options are what the use cases are made of. Every field is needed except Canaries and Now.
type Options struct {
	Store  Store
	Trials Trials
	// Rollouts reaches the rollout, Plan is what one is started with where none is given.
	Rollouts Rollouts
	Plan     rollout.Plan
	// Bulks reaches the bulk operations.
	Bulks Bulks
	// Policies are what new trials promise; Day is how long their days last.
	Policies policy.Set
	Day      time.Duration
	// Alerts are the rules of the alerts.
	Alerts []monitoring.Rule
	// Mails renders e-mails to vendors, and Previews sends them to Stakeholders.
	Mails        Mails
	Previews     Previews
	Stakeholders []notice.Stakeholder
	// Backups reaches the backups.
	Backups Backups
	// Canaries is nil where none are configured.
	Canaries Canaries
	Log      *zap.Logger
	// Now is the clock; time.Now where it is nil.
	Now func() time.Time
}

// App carries out the use cases in the name of who acts in the context (access.With). Its errors are as ErrorOf has them. A
// change by an admin is made within Record, but those that say that they are on record. It is safe for concurrent use.
type App struct {
	Options
	turns   *lanes.Lanes // changes that stop nothing wait for one
	settler *settler
	// flagsDelivery has changes of the flags at once told to the trials together.
	flagsDelivery lanes.Joint
	forecasts     *forecasts[rollout.Forecast]
	// experimentForecasts are those of policy experiments.
	experimentForecasts *forecasts[experiment.Forecast]
}

// New makes the use cases.
func New(o Options) *App {
	if o.Now == nil {
		o.Now = time.Now
	}
	return &App{
		Options: o, turns: lanes.New(changesAtOnce, mostChanges), settler: newSettler(o.Store, o.Log),
		forecasts: newForecasts[rollout.Forecast](), experimentForecasts: newForecasts[experiment.Forecast](),
	}
}

// Close writes down what is missing on the audit record, once no request is under way.
func (a *App) Close(ctx context.Context) error { return a.settler.close(ctx) }

// Present is the present moment as it is stored.
func (a *App) Present() time.Time { return Millisecond(a.Now()) }

// Millisecond cuts what the database would cut.
func Millisecond(t time.Time) time.Time { return t.UTC().Truncate(time.Millisecond) }

// actor is the name of who asks, which changes are put down to: the name of the token, "admin" for ADMIN_TOKEN and "marketplace"
// for SERVICE_TOKEN. It is empty where nobody has to say who they are.
func actor(ctx context.Context) string { return access.Of(ctx).Name }

type requestKey struct{}

// WithRequestID names the request that a context belongs to, for logs and the audit record.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// requestID is that name; empty for none.
func requestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}
