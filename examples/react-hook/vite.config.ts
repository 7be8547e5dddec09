import react from '@vitejs/plugin-react';
import {defineConfig, loadEnv, type ProxyOptions} from 'vite';
import {setup} from './server/setup.ts';

export default defineConfig(({mode}) => {
  // Without a prefix: none of this is for the page.
  const env = loadEnv(mode, import.meta.dirname, '');
  const gateway = env['ANTIPHON_URL'] ?? 'http://127.0.0.1:8080';
  const key = env['AI_GATEWAY_API_KEY'] ?? 'any';
  const own = env['SETUP'] !== 'gateway';
  // The gateway takes pages of its own origin: it is asked with the host that the page is at.
  const target: ProxyOptions = {target: gateway, changeOrigin: false};
  const server = {proxy: {'/v4': {...target, ws: true}, '/api': target}};
  return {
    plugins: [react(), own && setup({gateway, key})],
    server,
    preview: server,
    build: {target: 'es2023', chunkSizeWarningLimit: 1000},
  };
});
