package ses

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/aws/smithy-go/middleware"
)

// wire records from when on SES may have a call's request.
type wire struct{ headers atomic.Bool }

// written reports whether a request's headers were handed to a connection.
func (w *wire) written() bool { return w.headers.Load() }

// watch adds w to a call's middleware at the deserialize step, the innermost:
// there it sees the request to SES, but not those for credentials, which are made
// further out.
func (w *wire) watch(stack *middleware.Stack) error {
	return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("WatchWire",
		func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (
			middleware.DeserializeOutput, middleware.Metadata, error,
		) {
			return next.HandleDeserialize(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
				WroteHeaders: func() { w.headers.Store(true) },
			}), in)
		}), middleware.Before)
}
