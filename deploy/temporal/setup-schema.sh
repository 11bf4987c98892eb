#!/bin/sh
# Brings Temporal's two databases to the schema of the server's version. May be repeated: databases
# and versions that are there already are left alone.
set -eu

SQL_PASSWORD=$(cat /run/secrets/postgres_password)
export SQL_PASSWORD

# schema DATABASE NAME brings one database to the newest schema of that name that the tool carries.
schema() {
	tool="temporal-sql-tool --plugin postgres12 --ep postgresql --port 5432 --user temporal --db $1"
	$tool create
	$tool setup-schema --version 0.0
	$tool update-schema --schema-name "postgresql/v12/$2"
}

schema temporal temporal
schema temporal_visibility visibility
