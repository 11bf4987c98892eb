package main

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sesv2"
	"github.com/aws/aws-sdk-go-v2/service/sesv2/types"
	"github.com/stretchr/testify/require"
)

// sendMail sends a mail through the mailbox at url, and returns its id.
func sendMail(t *testing.T, url string) string {
	t.Helper()
	sender := sesv2.New(sesv2.Options{
		BaseEndpoint: aws.String(url),
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("key", "secret", ""),
	})
	sent, err := sender.SendEmail(t.Context(), &sesv2.SendEmailInput{
		FromEmailAddress: aws.String("trials@example.com"),
		Destination:      &types.Destination{ToAddresses: []string{"vendor@example.com"}},
		Content: &types.EmailContent{Simple: &types.Message{
			Subject: &types.Content{Data: aws.String("Welcome")},
			Body:    &types.Body{Text: &types.Content{Data: aws.String("Hello")}},
		}},
	})
	require.NoError(t, err)
	return aws.ToString(sent.MessageId)
}
