package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
)

// call sends one request to the API.
type call func(api client.ClientInterface) (*http.Response, error)

// readAsAdmin calls the API as an admin, and reads the answer.
func readAsAdmin[T any](a *app, send call) (client.Answer[T], error) {
	api, err := a.asAdmin()
	if err != nil {
		return client.Answer[T]{}, err
	}
	return client.Read[T](send(api))
}

// ask calls the API as an admin, and prints the answer: as it came with --json, otherwise as people writes it.
func ask[T any](a *app, send call, people func(T) error) error {
	answer, err := readAsAdmin[T](a, send)
	return printAnswer(a, answer, err, people)
}

// asking is the work of a command that calls the API as an admin, and prints the answer.
func asking[T any](
	a *app, send func(ctx context.Context, api client.ClientInterface, args []string) (*http.Response, error), people func(T) error,
) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		return ask(a, func(api client.ClientInterface) (*http.Response, error) { return send(c.Context(), api, args) }, people)
	}
}

// askAsService is ask in the name of the marketplace's backend.
func askAsService[T any](a *app, send call, people func(client.Answer[T]) error) error {
	api, _, err := a.asService()
	if err != nil {
		return err
	}
	answer, err := client.Read[T](send(api))
	return printAnswer(a, answer, err, func(T) error { return people(answer) })
}

// printAnswer prints what was read of an answer, unless err says that nothing was.
func printAnswer[T any](a *app, answer client.Answer[T], err error, people func(T) error) error {
	if err != nil {
		return err
	}
	if a.options.json {
		return a.printJSON(answer.Body)
	}
	return people(answer.Value)
}

// printValue prints v as JSON.
func (a *app) printValue(v any) error {
	document, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing the result: %w", err)
	}
	return a.printJSON(document)
}

// printJSON prints JSON as it is, on lines of its own.
func (a *app) printJSON(document []byte) error {
	_, err := fmt.Fprintf(a.out, "%s\n", bytes.TrimRight(document, "\n"))
	return err
}

// printf prints a text for a person.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }

// raw is a value of an answer together with its JSON as it came.
type raw[T any] struct {
	value    T
	document json.RawMessage
}

// UnmarshalJSON implements json.Unmarshaler.
func (r *raw[T]) UnmarshalJSON(document []byte) error {
	r.document = bytes.Clone(document)
	return json.Unmarshal(document, &r.value)
}

// MarshalJSON implements json.Marshaler.
func (r raw[T]) MarshalJSON() ([]byte, error) { return r.document, nil }

var keyPattern = regexp.MustCompile(`^[\x21-\x7e]{1,128}$`)

// keyFlag adds the flag for an idempotency key to a command.
func keyFlag(command *cobra.Command, key *string) {
	command.Flags().StringVar(key, "idempotency-key", "", "makes the request once, however often it is sent (default a new one)")
}

// completeKey checks the idempotency key that a person gave, or makes a new one.
func completeKey(key *string) error {
	if *key == "" {
		*key = uuid.NewString()
	}
	if !keyPattern.MatchString(*key) {
		return usagef("--idempotency-key: must be 1 to 128 visible ASCII characters")
	}
	return nil
}

// repeatable adds to an error how to repeat the request, where the API may have carried it out: "begun", "started".
func repeatable(err error, may, key string) error {
	if err == nil || !uncertain(err) {
		return err
	}
	return fmt.Errorf("%w\nIt may have %s all the same. To be sure, repeat it with --idempotency-key %s", err, may, key)
}
