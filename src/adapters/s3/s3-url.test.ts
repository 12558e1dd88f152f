import { describe, expect, it } from 'vitest'
import { parseS3Url } from './s3-url.ts'

describe('the URL of a media store in S3', () => {
  it.each([
    ['s3://recordings', { bucket: 'recordings', prefix: '', isPathStyle: false }],
    ['s3://rec.ordings/', { bucket: 'rec.ordings', prefix: '', isPathStyle: false }],
    [
      's3://recordings/a/B_1.x/?region=eu-central-1&sse=aws:kms&sse_kms_key_id=arn:aws:kms:eu-central-1:1:key/ab',
      {
        bucket: 'recordings',
        prefix: 'a/B_1.x',
        region: 'eu-central-1',
        isPathStyle: false,
        sse: 'aws:kms',
        sseKmsKeyId: 'arn:aws:kms:eu-central-1:1:key/ab',
      },
    ],
    [
      's3://recordings?endpoint=http://127.0.0.1:9000',
      { bucket: 'recordings', prefix: '', endpoint: 'http://127.0.0.1:9000', isPathStyle: true },
    ],
    [
      's3://recordings?endpoint=https%3A%2F%2Fs3.example&path_style=false&sse=AES256',
      { bucket: 'recordings', prefix: '', endpoint: 'https://s3.example', isPathStyle: false, sse: 'AES256' },
    ],
  ])('reads %s', (text, location) => {
    expect(parseS3Url(text)).toEqual(location)
  })

  it.each([
    ['', 'a URL of the form s3://'],
    ['file:', 'a URL of the form s3://'],
    ['https://recordings', 'a URL of the form s3://'],
    ['s3://recordings:80/', 'a URL of the form s3://'],
    ['s3://recordings#x', 'a URL of the form s3://'],
    ['s3://key:secret@recordings', 'no credentials in the URL'],
    ['s3://re', 'a bucket of'],
    ['s3://Recordings', 'a bucket of'],
    ['s3://rec..ordings', 'a bucket of'],
    ['s3:///prefix', 'a bucket of'],
    ['s3://recordings//a', 'a prefix of'],
    ['s3://recordings/a/.b', 'a prefix of'],
    ['s3://recordings/a%20b', 'a prefix of'],
    [`s3://recordings/${'x'.repeat(201)}`, 'a prefix of'],
    ['s3://recordings?prefix=a', 'the parameters endpoint, region, path_style, sse, sse_kms_key_id'],
    ['s3://recordings?region=a&region=b', 'each parameter once'],
    ['s3://recordings?endpoint=127.0.0.1:9000', 'an endpoint of the form'],
    ['s3://recordings?endpoint=ftp://host', 'an endpoint of the form'],
    ['s3://recordings?endpoint=http://host/path', 'an endpoint of the form'],
    ['s3://recordings?endpoint=http://key:secret@host', 'an endpoint of the form'],
    ['s3://recordings?region=', 'a region like'],
    ['s3://recordings?path_style=yes', 'path_style=true or false'],
    ['s3://recordings?sse=none', 'sse=AES256 or aws:kms'],
    ['s3://recordings?sse=AES256&sse_kms_key_id=a', 'sse_kms_key_id'],
  ])('refuses %j, and says what is allowed', (text, reason) => {
    const said = parseS3Url(text)
    expect(said).toEqual(expect.stringContaining(reason))
    expect(said).not.toContain('secret')
  })
})
