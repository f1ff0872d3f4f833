import { MessagingError } from "../../../core/errors.ts";
import type { RedisArea } from "../../../core/redis/redis_area.ts";

/** The event bus, as its connections speak of it. */
export const MESSAGING_AREA: RedisArea = {
  name: "messaging",
  connect: "RedisEventBus.connect",
  subject: "event bus",
  errorClass: MessagingError,
};
