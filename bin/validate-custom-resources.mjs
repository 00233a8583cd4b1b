// Usage: node bin/validate-custom-resources.mjs NODE_MODULES FILE...
// Checks resources of CloudNativePG and Traefik, which Kubernetes' own schema does not know, against the schemas of
// their definitions. A FILE holds the documents of `kubectl kustomize` as a JSON list.
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const MODELS = {
  Cluster: "cloudnative-pg/postgresql.cnpg.io/v1/Cluster.js",
  Middleware: "traefik/traefik.io/v1alpha1/Middleware.js",
};
const OF_KUBERNETES = /^(v1|[a-z]+\/v\d+|[a-z.]+\.k8s\.io\/v\d+)$/;

const [modules, ...files] = process.argv.slice(2);
let wrong = 0;
for (const file of files) {
  for (const document of JSON.parse(readFileSync(file, "utf8"))) {
    const { apiVersion, kind, metadata } = document;
    if (OF_KUBERNETES.test(apiVersion)) continue;
    try {
      const path = MODELS[kind];
      if (!path) throw new Error(`no schema is known for ${apiVersion}`);
      const model = (await import(pathToFileURL(`${modules}/@kubernetes-models/${path}`)))[kind];
      if (model.apiVersion !== apiVersion) throw new Error(`the schema is for ${model.apiVersion}`);
      new model(document).validate();
      console.log(`${kind} ${metadata.name}: passed`);
    } catch (error) {
      wrong += 1;
      console.error(`${kind} ${metadata.name}: ${error.message}`);
    }
  }
}
process.exit(wrong ? 1 : 0);
