import vue from 'eslint-plugin-vue'
import a11y from 'eslint-plugin-vuejs-accessibility'
import globals from 'globals'
import ts from 'typescript-eslint'

export default [
  { ignores: ['dist/**', 'node_modules/**', 'src/shared/api/schema.d.ts', 'test-results/**'] },
  ...ts.configs.recommended,
  ...vue.configs['flat/recommended'],
  ...a11y.configs['flat/recommended'],
  {
    files: ['**/*.{ts,vue,js,mjs}'],
    languageOptions: {
      globals: { ...globals.browser, ...globals.node },
      parserOptions: { parser: ts.parser, ecmaVersion: 2022, sourceType: 'module' },
    },
    rules: {
      'no-undef': 'off', // the type checker knows better
      'vue/no-v-html': 'error', // all server text is rendered as text
      'vue/no-static-inline-styles': 'error', // the CSP allows no style attributes in markup
      'vue/block-lang': ['error', { script: { lang: 'ts' } }],
      'vue/component-api-style': ['error', ['script-setup']],
      'vue/define-props-declaration': ['error', 'type-based'],
      'vue/multi-word-component-names': ['error', { ignores: ['App'] }],
      'vue/require-default-prop': 'off', // optional props are typed; undefined is the default
      // Layout of markup is left to the author: lines follow meaning, not attribute counts.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      // A label beside its control with for/id is as good as a nested one.
      'vuejs-accessibility/label-has-for': ['error', { required: { some: ['nesting', 'id'] } }],
      // FormField binds the id of its label through a slot, which the rule cannot see; axe checks the pages.
      'vuejs-accessibility/form-control-has-label': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
    },
  },
]
