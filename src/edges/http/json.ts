import type { FastifyReply } from 'fastify'

/** The content type of every JSON answer. */
export const JSON_TYPE = 'application/json; charset=utf-8'

/** Sends text that is JSON already. */
export const sendJson = (reply: FastifyReply, text: string): FastifyReply => reply.type(JSON_TYPE).send(text)
