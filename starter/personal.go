package main

import (
	"fmt"
	"net/http"
	"os"

	"github.com/spf13/cobra"

	"marketplace.example/trials/client"
)

func (a *app) vendorExport() *cobra.Command {
	var file string
	command := &cobra.Command{
		Use: "export ID", Short: "Write everything that is kept of a vendor, as JSON", Args: onVendor,
		Long: "Writes everything that is kept of a vendor as JSON: name and address, registration, trial, events,\n" +
			"e-mails and what it answered about them. A file is readable by its owner alone.",
		Example: examples("starter vendor export v-1001 --output v-1001.json"),
	}
	command.Flags().StringVar(&file, "output", "", "the file to write (default standard output)")
	command.RunE = func(c *cobra.Command, args []string) error {
		answer, err := readAsAdmin[client.VendorExport](a, func(api client.ClientInterface) (*http.Response, error) {
			return api.ExportVendor(c.Context(), args[0])
		})
		if err != nil {
			return err
		}
		if file == "" {
			return a.printJSON(answer.Body)
		}
		if err := os.WriteFile(file, answer.Body, 0o600); err != nil {
			return fmt.Errorf("writing the export: %w", err)
		}
		return nil
	}
	return command
}

func (a *app) vendorErase() *cobra.Command {
	var body client.ErasureRequest
	var sure bool
	command := &cobra.Command{
		Use: "erase ID", Short: "Remove a vendor's name, address and texts, for good", Args: onVendor,
		Long: "Removes a vendor's name, address and what it wrote about e-mails. It cannot be undone, so it needs --yes. The figures stay: a running\n" +
			"trial goes on to its end, without e-mail. The reason is kept: no names or addresses in it.",
		Example: examples("starter vendor erase v-1001 --reason \"Asked for it, ticket 812\" --yes"),
	}
	command.Flags().StringVar(&body.Reason, "reason", "", "why, for the record")
	command.Flags().BoolVar(&sure, "yes", false, "it is meant")
	markRequired(command, "reason")
	command.RunE = func(c *cobra.Command, args []string) error {
		if !sure {
			return usagef("this cannot be undone: add --yes if it is meant")
		}
		return ask(a, func(api client.ClientInterface) (*http.Response, error) {
			return api.EraseVendor(c.Context(), args[0], body)
		}, func(e client.Erasure) error {
			a.printf("Name and address of %s are gone, since %s.\n", args[0], formatTime(e.At, a.now()))
			return nil
		})
	}
	return command
}
