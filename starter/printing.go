package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"

	"marketplace.example/trials/client"
)

// print shows an answer: its JSON as it came for programs, or what people writes. An answer that is
// a refusal, or not the API's, is an error.
func (a *app) print(response *http.Response, body []byte, understood bool, people func() error) error {
	if err := checkAnswer(response, body, understood); err != nil {
		return err
	}
	if a.options.json {
		return a.printJSON(body)
	}
	return people()
}

// checkAnswer turns an answer that is a refusal, or not the API's, into an error.
func checkAnswer(response *http.Response, body []byte, understood bool) error {
	if err := client.Check(response, body); err != nil {
		return err
	}
	if !understood {
		return errors.New("the answer was not the API's: is this its address?")
	}
	return nil
}

// printJSON writes JSON as it is, on lines of its own.
func (a *app) printJSON(document []byte) error {
	_, err := fmt.Fprintf(a.out, "%s\n", bytes.TrimRight(document, "\n"))
	return err
}

// printf tells a person something.
func (a *app) printf(format string, args ...any) { fmt.Fprintf(a.out, format, args...) }
