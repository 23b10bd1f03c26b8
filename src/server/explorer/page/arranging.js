// Words that the server arranges by their neighbors: the job, which this page has started or found, and how far it is.

import { first, service } from './api.js';

const LOOK_MILLISECONDS = 400;

// One job of one table, until it has ended or the table is left.
class Arranging {
  constructor(look, id) {
    Object.assign(this, { look, id, job: null, problem: null, listeners: new Set() });
    this.ended = this.follow();
  }

  // From 0 to 1; null while it waits for its turn.
  get share() {
    const { done, total } = this.job?.progress || {};
    return this.job?.state === 'JOB_STATE_RUNNING' && Number(total) ? Number(done || 0) / Number(total) : null;
  }

  // How it ended: DONE, FAILED, CANCELLED; null if nobody knows.
  async follow() {
    const { signal } = this.look;
    try {
      for (;;) {
        this.job = (await service('JobService/GetJob', { id: this.id }, signal)).job;
        for (const listener of this.listeners) listener();
        const state = this.job.state.replace('JOB_STATE_', '');
        if (!['WAITING', 'RUNNING'].includes(state)) return state;
        await new Promise(go => setTimeout(go, LOOK_MILLISECONDS));
        if (signal.aborted) return null;
      }
    } catch (error) {
      if (!signal.aborted) this.problem = error;
      return null;
    } finally {
      if (this.look.arranging === this) this.look.arranging = null;
    }
  }

  stop() {
    return service('JobService/CancelJob', { id: this.id }, this.look.signal);
  }
}

// The job that arranges a table's words, if there is one.
export async function found(look) {
  if (look.arranging) return look.arranging;
  const told = await service('JobService/ListJobs', {}, look.signal);
  const job = (told.jobs || []).find(
    one =>
      one.kind === 'JOB_KIND_ARRANGE_MAP' &&
      one.table === look.name &&
      ['JOB_STATE_WAITING', 'JOB_STATE_RUNNING'].includes(one.state),
  );
  if (job && !look.arranging) look.arranging = new Arranging(look, job.id);
  return look.arranging;
}

// Starts one, unless there is one. It goes on when the page is left, once its turn has come.
export async function start(look) {
  if (await found(look)) return look.arranging;
  const path = `tables/${encodeURIComponent(look.name)}/arrange-map`;
  const id = await first(path, { detach: true }, told => told.job?.id);
  if (!look.arranging) look.arranging = new Arranging(look, id);
  return look.arranging;
}
