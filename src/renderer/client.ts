// The typed client: `client.training.start({ config })`. Each call goes through the carrier by its name.

import type { Api } from '#main/api/workbench/index.ts'
import { carrier } from './carrier.ts'

/** Every call of the workbench's api. */
export const client: Api = new Proxy(
  {},
  {
    get: (_, noun: string) =>
      new Proxy({}, { get: (_, verb: string) => (args?: object) => carrier.call(`${noun}.${verb}`, args) }),
  },
) as Api
