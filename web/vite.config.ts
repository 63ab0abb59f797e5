import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` talks to a Limner started with `make run`.
const server = process.env.LIMNER_URL ?? "http://localhost:8080";

export default defineConfig({
  // Relative addresses: the product can be served below a path (see <base> in index.html).
  base: "./",
  plugins: [react()],
  build: { target: "es2022", sourcemap: false },
  server: { proxy: { "/api": server } },
});
