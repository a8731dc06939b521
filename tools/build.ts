// Bundles each command into one file under packages/cli/dist.
