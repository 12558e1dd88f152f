import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { requireProgram } from '../../acceptance/support/debian.ts'

/** A self-signed certificate for 127.0.0.1. */
export class TestCertificate {
  readonly #folder = mkdtempSync(join(tmpdir(), 'poulsen-certificate-'))
  readonly #trustedBefore = getCACertificates('default')
  readonly certPath = join(this.#folder, 'cert.pem')
  readonly keyPath = join(this.#folder, 'key.pem')

  /** Makes it; from now on this process trusts it. Installs openssl when it is not there. */
  make(): void {
    const openssl = requireProgram('/usr/bin/openssl', 'openssl')
    const files = ['-keyout', this.keyPath, '-out', this.certPath]
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', ...files]
    const subject = ['-subj', '/CN=poulsen', '-addext', 'subjectAltName=IP:127.0.0.1']
    execFileSync(openssl, ['req', '-x509', '-days', '2', ...kind, ...subject], { stdio: 'pipe' })
    setDefaultCACertificates([...this.#trustedBefore, this.pem])
  }

  get pem(): string {
    return readFileSync(this.certPath, 'utf8')
  }

  /** No trust any more, no files. */
  dispose(): void {
    setDefaultCACertificates(this.#trustedBefore)
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
