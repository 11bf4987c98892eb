// Package wording is what e-mails to vendors say, in every language: their texts, with fields and plural forms, and which language's
// a vendor gets. The built-in texts are in its folder builtin, in the form in which a marketplace writes its own.
package wording
