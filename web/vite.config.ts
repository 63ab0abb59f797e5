import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// `npm run dev` talks to a Limner started with `make run`.
const server = process.env.LIMNER_URL ?? "http://localhost:8080";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2022", sourcemap: false },
  server: { proxy: { "/api": server } },
});
