package main

import (
	"slices"
	"strings"
	"time"
)

// parseTime reads the moment in a flag, nil for none.
func parseTime(flag, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // documented: no moment and nothing wrong
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return nil, usagef("--%s: %.80q is not a moment like 2026-01-05T08:30:00Z", flag, text)
	}
	return &at, nil
}

// checkRange refuses a number in a flag that is not from 1 to most.
func checkRange(flag string, n, most int) error {
	if n < 1 || n > most {
		return usagef("--%s: must be 1 to %d, is %d", flag, most, n)
	}
	return nil
}

// oneOf reads the word in a flag, nil for none.
func oneOf[T ~string](flag, text string, choices []T) (*T, error) {
	word := T(text)
	switch {
	case text == "":
		return nil, nil //nolint:nilnil // documented: no word and nothing wrong
	case !slices.Contains(choices, word):
		return nil, usagef("--%s: %.80q is not one of %s", flag, text, words(choices))
	}
	return &word, nil
}

// texts are words without their type.
func texts[T ~string](words []T) []string {
	all := make([]string, 0, len(words))
	for _, word := range words {
		all = append(all, string(word))
	}
	return all
}

// words are words in a sentence.
func words[T ~string](choices []T) string { return strings.Join(texts(choices), ", ") }
