import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { compare, type Line } from '../line.ts'
import { install, upload } from '../poulsen.ts'
import { temporaryFolder } from '../processes.ts'
import { makeWav } from '../wav.ts'
import { measure } from '../wrk.ts'

const ROUNDS = 5
const FILE_BYTES = 10_000_000
const CONNECTIONS = 8
const NGINX = '/usr/sbin/nginx'

/** Download of a 10 MB recording against nginx serving the same file, both on one core. */
export const measureDownloads = async (): Promise<readonly Line[]> => {
  if (spawnSync(NGINX, ['-v']).error) throw new Error('nginx is not installed (Debian: nginx-light)')
  const wav = makeWav(FILE_BYTES)
  const installation = install()
  await using server = await installation.start()
  const { url } = await upload(server.url, installation.authorization, wav)
  const { origin, pathname, search } = new URL(url as string)
  await using nginx = await startNginx(wav)
  const rate = async (from: string, path: string) =>
    (await measure({ origin: from, paths: [path], connections: CONNECTIONS })).bytesPerSecond / 1e6
  return [
    await compare({
      work: 'media download, 10 MB',
      against: 'nginx, the same file',
      targetRatio: 0.5,
      rounds: ROUNDS,
      unit: 'MB/s',
      ours: () => rate(origin, pathname + search),
      reference: () => rate(nginx.url, '/file.wav'),
    }),
  ]
}

const startNginx = async (file: Buffer): Promise<{ readonly url: string } & AsyncDisposable> => {
  const folder = temporaryFolder()
  const port = await freePort()
  mkdirSync(join(folder, 'www'))
  writeFileSync(join(folder, 'www', 'file.wav'), file)
  writeFileSync(join(folder, 'nginx.conf'), configuration(folder, port))
  const arguments_ = ['-c', '0', NGINX, '-p', folder, '-c', join(folder, 'nginx.conf')]
  const child: ChildProcess = spawn('taskset', arguments_, { stdio: 'inherit' })
  const url = `http://127.0.0.1:${port}`
  const deadlineMs = performance.now() + 5000
  while (
    !(await fetch(`${url}/file.wav`).then(
      (answer) => answer.ok,
      () => false,
    ))
  ) {
    if (performance.now() > deadlineMs) throw new Error('nginx did not start')
  }
  const stop = async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  }
  return { url, [Symbol.asyncDispose]: stop }
}

const configuration = (folder: string, port: number): string => `
daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log; user root;
events { worker_connections 256; }
http {
  sendfile on; tcp_nopush on; keepalive_requests 1000000; access_log off;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  server { listen 127.0.0.1:${port}; root ${folder}/www; }
}
`

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  return typeof address === 'object' && address ? address.port : 0
}
