// Makes src/gen/ of the contract in proto/wordspace/v1: messages and services, for Connect.
//
//     npm ci
//     node generate.mjs            writes the files
//     node generate.mjs --check    exits with 1 if they are not what the contract says
//
// They are checked in, so that building the package needs no compiler of proto files.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const contract = dirname(here);
const home = join(here, "src", "gen");
const programs = join(here, "node_modules", ".bin");

/** The files by name. */
function made() {
  const folder = mkdtempSync(join(tmpdir(), "wordspace-gen-"));
  try {
    const template = JSON.stringify({
      version: "v2",
      plugins: [
        {
          local: join(programs, "protoc-gen-es"),
          out: folder,
          opt: ["target=ts", "import_extension=js"],
        },
      ],
    });
    execFileSync(join(programs, "buf"), ["generate", "--template", template], {
      cwd: contract,
      stdio: "inherit",
    });
    const files = read(join(folder, "wordspace", "v1"));
    const modules = [...files.keys()].map((name) => name.replace(/\.ts$/, ".js")).sort();
    const exports = modules.map((name) => `export * from "./${name}";\n`).join("");
    files.set("index.ts", `// The messages and services of the contract, made by generate.mjs.\n${exports}`);
    return files;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function read(folder) {
  const names = readdirSync(folder).sort();
  return new Map(names.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
}

const files = made();
mkdirSync(home, { recursive: true });
const there = read(home);
const [option, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (option !== undefined && option !== "--check")) {
  console.error("usage: node generate.mjs [--check]");
  process.exit(2);
}
const names = new Set([...files.keys(), ...there.keys()]);
const wrong = [...names].filter((name) => files.get(name) !== there.get(name)).sort();
if (option === "--check") {
  if (wrong.length > 0) {
    console.error(`not what the contract says, run node generate.mjs: ${wrong.join(", ")}`);
    process.exit(1);
  }
  console.log(`${files.size} generated files are what the contract says`);
} else {
  for (const name of wrong) {
    if (files.has(name)) writeFileSync(join(home, name), files.get(name));
    else rmSync(join(home, name));
  }
}
