// Whether the feed holds still: it is paused, or somebody reads it.

import { computed, signal } from "../../core/view.js";

export class Hold {
  isPaused = signal(false);
  isOver = signal(false); // the pointer is over it
  isFocused = signal(false);
  isDown = signal(false); // scrolled down
  isOpen = signal(false); // the details of an event are shown

  isReading = computed(() => this.isOver.value || this.isFocused.value || this.isDown.value || this.isOpen.value);
  isHeld = computed(() => this.isPaused.value || this.isReading.value);
}
