/** Counts the fonts that came: canvases drawn with a substitute read it and are drawn again. */
class Fonts {
  loaded = $state(0)

  constructor() {
    document.fonts.addEventListener('loadingdone', () => this.loaded++)
  }
}

export const fonts = new Fonts()
